/** Problem details of RFC 9457. `code` is ours and stable; `detail` says what to do, and never holds a secret. */
export interface Problem {
  readonly status: keyof typeof TITLES;
  readonly code: string;
  readonly detail: string;
  /** What is wrong where in the request, for `REQUEST_INVALID`. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** A request that cannot be answered as it is. Whoever throws it decides the whole answer. */
export class RequestProblem extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(problem: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(problem.detail);
    this.name = "RequestProblem";
    this.problem = problem;
    this.headers = headers;
  }
}

/** The answer that tells of a problem. */
export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(problemBody(problem)), {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** The problem as its JSON has it. */
export function problemBody({ status, code, detail, errors }: Problem): Record<string, unknown> {
  return { type: "about:blank", title: TITLES[status], status, code, detail, ...(errors && { errors }) };
}

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;
