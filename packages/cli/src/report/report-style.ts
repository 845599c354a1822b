/** The page's style. Colours are variables, so that charts and texts turn dark together. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;
--paper:#f7f5f0;--card:#fffefb;--ink:#1d2126;--soft:#5d646d;--hair:#e3dfd5;--grid:#ebe7dd;--track:#efebe2;--accent:#20617f;
--s0:#2b6e91;--s1:#d07a1f;--s2:#4c8a57;--s3:#9a4c8b;--s4:#b8473f;--s5:#8b8f96;
--text:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--display:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,"DejaVu Serif",serif;
--code:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{
--paper:#14171b;--card:#1b1f24;--ink:#eceae5;--soft:#a2a8b0;--hair:#2d333a;--grid:#2a2f36;--track:#272c33;--accent:#7cc0e0;
--s0:#63b0d6;--s1:#efa552;--s2:#82c48c;--s3:#d38cc5;--s4:#ec8a80;--s5:#8d939c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--text);font-variant-numeric:tabular-nums;-webkit-font-smoothing:antialiased}
main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
main{padding-top:56px}
h1,h2,h3,p,dl,dd,ol,ul,figure{margin:0;padding:0}
h1{font:600 clamp(30px,5vw,46px)/1.12 var(--display);letter-spacing:-.015em;margin:6px 0 14px;text-wrap:balance}
h2{font:600 26px/1.2 var(--display);letter-spacing:-.01em;margin:0 0 18px}
h3{font-size:15px;font-weight:650}
section{margin:56px 0 0}
code{font:.88em var(--code);background:var(--track);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}
bdi{unicode-bidi:isolate}
.kicker{font-size:13px;font-weight:650;letter-spacing:.09em;text-transform:uppercase;color:var(--accent)}
.lead{font-size:18px;max-width:46em;color:var(--soft)}
section>.lead{margin:-8px 0 20px}
section>p{margin-top:14px}
section>.note{margin:-8px 0 20px}
.note,figcaption p{color:var(--soft);font-size:14px}
.figures{display:grid;grid-template-columns:repeat(5,1fr);margin-top:34px;border-top:2px solid var(--ink);border-bottom:1px solid var(--hair)}
.figures div{padding:16px 18px 18px;border-left:1px solid var(--hair)}
.figures div:first-child{padding-left:0;border-left:0}
.figures dt{font-size:13px;color:var(--soft)}
.figures dd:not(.note){font:600 34px/1.2 var(--display);letter-spacing:-.01em}
.figures .note{font-size:13px;line-height:1.4}
figure{background:var(--card);border:1px solid var(--hair);border-radius:12px;padding:20px 22px 12px;margin-top:20px;min-width:0}
h2+figure,h2+.pair figure,.lead+figure{margin-top:0}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px}
.pair>figure{margin-top:0;display:flex;flex-direction:column}
.pair>figure:only-child{grid-column:1/-1}
.pair>figure>details{margin-top:auto}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:10px;font-size:13.5px;overflow-wrap:anywhere}
.legend li{display:flex;align-items:baseline;gap:6px}
.legend b{font-weight:600;color:var(--soft)}
.key{width:11px;height:11px;flex:none;overflow:visible}
.scroll{overflow-x:auto;margin-top:12px;background:linear-gradient(90deg,var(--card) 40%,transparent) 0 0/40px 100% no-repeat local,
linear-gradient(270deg,var(--card) 40%,transparent) 100% 0/40px 100% no-repeat local,
linear-gradient(90deg,var(--hair),transparent) 0 0/14px 100% no-repeat scroll,
linear-gradient(270deg,var(--hair),transparent) 100% 0/14px 100% no-repeat scroll}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{font:13px var(--text);fill:var(--ink);font-variant-numeric:tabular-nums}
.chart .tick{fill:var(--soft);font-size:12px}
.chart .strong{font-weight:650}.chart .figure{font-weight:600}.chart .big{font:600 20px var(--display)}
.grid{stroke:var(--grid)}.base{stroke:var(--soft);stroke-opacity:.6}
.goal{stroke:var(--s2);stroke-dasharray:4 4;stroke-width:1.3}
.track{fill:var(--track)}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.dot{stroke:var(--card);stroke-width:1.2}
.interval{stroke:var(--s0);stroke-width:5;stroke-linecap:round;stroke-opacity:.35}
.hit{fill:transparent}.mark:hover .hit{fill:var(--ink);fill-opacity:.05}
.fill-0{fill:var(--s0)}.fill-1{fill:var(--s1)}.fill-2{fill:var(--s2)}.fill-3{fill:var(--s3)}.fill-4{fill:var(--s4)}.fill-5{fill:var(--s5)}
.stroke-0{stroke:var(--s0)}.stroke-1{stroke:var(--s1)}.stroke-2{stroke:var(--s2)}.stroke-3{stroke:var(--s3)}.stroke-4{stroke:var(--s4)}.stroke-5{stroke:var(--s5)}
details{font-size:14px}
summary{cursor:pointer;color:var(--soft);padding:8px 0 4px;width:fit-content;border-radius:4px}
summary:hover{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:right;padding:6px 10px;border-bottom:1px solid var(--hair);white-space:nowrap}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left;padding-left:0}
td.words,th:last-child:has(+.words){white-space:normal}
.answers{list-style:none;display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px}
article{height:100%;background:var(--card);border:1px solid var(--hair);border-left:4px solid var(--s4);border-radius:12px;padding:16px 20px 18px}
.score b{font:600 24px var(--display);margin-right:4px}
.texts{margin-top:12px;display:grid;grid-template-columns:minmax(0,1fr)}
.texts dt{font-size:12.5px;font-weight:650;color:var(--soft);margin-top:8px}
.texts dd{white-space:pre-wrap;overflow-wrap:anywhere;font-size:15px}
footer{padding-top:36px;padding-bottom:56px;margin-top:56px;color:var(--soft);font-size:13.5px;overflow-wrap:anywhere}
@media (max-width:820px){main{padding-top:32px}main,footer{padding-left:16px;padding-right:16px}
.pair,.answers{grid-template-columns:minmax(0,1fr)}.figures{grid-template-columns:repeat(2,1fr)}.figures div{padding-left:14px}.figures div:nth-child(odd){padding-left:0;border-left:0}
section{margin-top:44px}.scroll>.chart{min-width:440px}.scroll>.chart[viewBox^="0 0 1040"]{min-width:760px}figure{padding:16px 16px 10px}}
@media print{body{background:#fff}figure,article{break-inside:avoid}}
`;
