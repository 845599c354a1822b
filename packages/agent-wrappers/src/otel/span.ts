/** What is read of a span: that of every version of the SDK, which is not imported. */
export interface Span {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Seconds and nanoseconds. */
  readonly startTime: readonly [number, number];
  readonly endTime: readonly [number, number];
  readonly status?: { readonly code: number; readonly message?: string | undefined };
  readonly events?: readonly {
    readonly name: string;
    readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  }[];
  /** In SDK 2 and later. */
  readonly parentSpanContext?: { readonly spanId: string } | undefined;
  /** In SDK 1. */
  readonly parentSpanId?: string | undefined;
  spanContext(): { readonly traceId: string; readonly spanId: string };
}
