/** What the store uses of a Redis client. ioredis 5 and 6 fit, single server and cluster; their classes do not fit each other. */
export interface RedisLike {
  readonly status: string;
  readonly isCluster?: boolean | undefined;
  pipeline(commands?: unknown[][]): RedisPipeline;
  multi(commands?: unknown[][]): RedisPipeline;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Of a cluster: the clients of its servers. */
  nodes?(role?: "master"): RedisLike[];
}

/** Commands that are sent together. */
export interface RedisPipeline {
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/** One Redis command: its name and what follows. */
export type RedisCommand = readonly (string | number)[];
