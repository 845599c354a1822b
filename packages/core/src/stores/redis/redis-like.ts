/** What the store uses of a Redis client. ioredis 5 and 6 fit, single server and cluster; their classes do not fit each other. */
export interface RedisLike {
  readonly status: string;
  readonly isCluster?: boolean | undefined;
  pipeline(): RedisPipeline;
  multi(): RedisPipeline;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Of a cluster: the clients of its servers. */
  nodes?(role?: "master"): RedisLike[];
}

/** Commands that are sent together. */
export interface RedisPipeline {
  call(name: string, ...values: (string | number)[]): unknown;
  /** The same; texts of the answer come as their bytes. */
  callBuffer(name: string, ...values: (string | number)[]): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/** One Redis command: its name and what follows. Its keys stand before the first bytes. */
export type RedisCommand = readonly [name: string, ...values: (string | number | Buffer)[]];
