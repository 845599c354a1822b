/** Problem details of RFC 9457. `code` is ours and stable; `detail` says what to do, and never holds a secret. */
export interface Problem {
  readonly status: 400 | 403 | 404 | 405 | 500 | 503;
  readonly code: string;
  readonly detail: string;
}

/** The answer that tells of a problem. */
export function problemResponse({ status, code, detail }: Problem, headers: Record<string, string> = {}): Response {
  const body = { type: "about:blank", title: TITLES[status], status, code, detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

const TITLES: Readonly<Record<Problem["status"], string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  503: "Service Unavailable",
};
