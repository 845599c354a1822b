/** A TCP proxy on loopback whose link can be slow, stalled, cut after some bytes, or led to another server. */
import { EventEmitter } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Link {
  /** Added to each direction. */
  readonly latencyMs?: number;
  /** Of each direction of each connection. */
  readonly bytesPerSecond?: number;
}

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** New connections go there; the open ones are cut, or stay where they are. */
  leadTo(port: number, options?: { readonly keepOpen?: boolean }): void;
  /** Bytes wait, and connections stay open. */
  stall(stalled: boolean): void;
  /** Cuts the connection that carries the next bytes to the server, after so many of them. Resolves when it is cut. */
  cutAfter(bytes: number): Promise<void>;
  cutAll(): void;
}

export async function tcpProxy(to: number, { latencyMs = 0, bytesPerSecond = Infinity }: Link = {}): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const opened = new EventEmitter().setMaxListeners(0);
  let target = to;
  let stalled = false;
  let cut: { bytesLeft: number; done: () => void } | null = null;

  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    carry(client, upstream, true);
    carry(upstream, client, false);
  });

  function carry(from: Socket, into: Socket, towardsServer: boolean): void {
    let freeAt = 0;
    from.on("data", (bytes) => {
      let part = bytes;
      if (cut && towardsServer) {
        part = bytes.subarray(0, cut.bytesLeft);
        cut.bytesLeft -= part.length;
      }
      const isCut = part.length < bytes.length;
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + (part.length / bytesPerSecond) * 1_000;
      from.pause();
      setTimeout(() => from.resume(), freeAt - now);
      setTimeout(
        () => {
          void whenOpen().then(() => {
            into.write(part, () => {
              if (!isCut) return;
              from.destroy();
              cut?.done();
            });
          });
        },
        freeAt - now + latencyMs,
      );
    });
  }

  async function whenOpen(): Promise<void> {
    while (stalled) await new Promise((open) => opened.once("open", open));
  }

  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    leadTo(port, { keepOpen = false } = {}) {
      target = port;
      if (!keepOpen) cutAll();
    },
    stall(isStalled) {
      stalled = isStalled;
      opened.emit("open");
    },
    cutAfter(bytes) {
      return new Promise((resolve) => {
        cut = {
          bytesLeft: bytes,
          done() {
            cut = null;
            resolve();
          },
        };
      });
    },
    cutAll,
    async [Symbol.asyncDispose]() {
      stalled = false;
      opened.emit("open");
      cutAll();
      await new Promise((closed) => server.close(closed));
    },
  };
}
