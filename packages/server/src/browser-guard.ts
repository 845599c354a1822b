/**
 * Says whether a request was made by a page of another site. A page may send requests to a server on its reader's own
 * machine; it cannot hide where it comes from.
 */
export function isForeignPage(request: Request): boolean {
  const { headers } = request;
  const origin = headers.get("origin");
  if (origin !== null && !isOwnOrigin(origin, headers.get("host") ?? new URL(request.url).host)) return true;
  const site = headers.get("sec-fetch-site");
  // A link that a person follows is no page reading along, and carries no token.
  const isLink = headers.get("sec-fetch-mode") === "navigate" && request.method === "GET";
  return (site === "cross-site" || site === "same-site") && !isLink;
}

/** Host names have been checked by now, so an origin with the very same host is our own. */
function isOwnOrigin(origin: string, host: string): boolean {
  return /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase();
}
