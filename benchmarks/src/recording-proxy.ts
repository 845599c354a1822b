import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A relay on loopback that keeps what clients send to the server behind it. */
export interface RecordingProxy {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  /** Forgets what was sent so far. */
  forget(): void;
  sent(): Buffer;
  close(): Promise<void>;
}

export async function startRecordingProxy(server: {
  readonly host: string;
  readonly port: number;
}): Promise<RecordingProxy> {
  let chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(server.port, server.host);
    sockets.add(client).add(upstream);
    client.on("data", (data) => chunks.push(data));
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}`,
    forget() {
      chunks = [];
    },
    sent: () => Buffer.concat(chunks),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
