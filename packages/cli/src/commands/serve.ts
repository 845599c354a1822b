import { resolve } from "node:path";
import { type ListenOptions, LOOPBACK_HOSTS, listen, type RunningServer } from "@whetstone/server";
import { Command } from "commander";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { list, wholeNumber } from "../option-values.js";
import { readServerTokens, TOKEN_FILE } from "../server-tokens.js";
import { terminalText } from "../terminal-text.js";

interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly dataRoot: string;
  readonly tokenFile: string;
  readonly allowedHost?: readonly string[];
  readonly behindProxy?: boolean;
}

/** `whetstone serve`: the REST API over the store, until Ctrl-C. */
export function serveCommand(io: CliIo): Command {
  return new Command("serve")
    .summary("serve the REST API")
    .description(
      "Serves the REST API over the store until it is interrupted. Every request needs a token: WHETSTONE_TOKEN, or one of\n" +
        "the token file, which is made with a new token when there is none. A line of it is a token, and behind it the\n" +
        "scopes it has (read, build, delete, log), all unless told.",
    )
    .option("--host <address>", "the address to listen on", "127.0.0.1")
    .option("-p, --port <port>", "the port; 0 takes a free one", wholeNumber(0, 65_535), 8000)
    .option("--data-root <folder>", "the one folder that save_to_file may write into", "datasets")
    .option("--token-file <file>", "where the tokens are", TOKEN_FILE)
    .option(
      "--allowed-host <name>",
      "a host name that requests may use; repeatable (default: the loopback names)",
      list,
    )
    .option("--behind-proxy", "listen beyond this machine: something in front speaks HTTPS")
    .addHelpText(
      "after",
      examples(
        ["whetstone serve", "http://127.0.0.1:8000, for this machine alone"],
        [
          'curl -H "Authorization: Bearer $(cut -d" " -f1 .whetstone-server/token)" http://127.0.0.1:8000/api/v1/training/stats',
          "ask it something",
        ],
        ["whetstone serve --host 0.0.0.0 --behind-proxy --allowed-host train.example.com", "in a container"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: ServeOptions): Promise<ExitCode> {
  const { io, output } = context;
  if (!isLoopback(options.host) && !options.behindProxy) {
    throw new CliError(
      "USAGE",
      `--host ${options.host} is reachable from other machines, and tokens would go there unencrypted: put a proxy with HTTPS in front and add --behind-proxy, or use 127.0.0.1`,
    );
  }
  const { tokens, from } = await readServerTokens(io, resolve(io.cwd, options.tokenFile));
  await context.withStore(async (store) => {
    const server = await started({
      store,
      tokens,
      host: options.host,
      port: options.port,
      dataRoot: resolve(io.cwd, options.dataRoot),
      allowedHosts: options.allowedHost ?? LOOPBACK_HOSTS,
      onError: (error) => void output.note(`whetstone: ${terminalText(errorText(error))}`),
    });
    try {
      if (output.json) await output.writeJson({ url: server.url, token_from: from, store: store.url });
      else {
        await output.writeLines(
          `serving ${terminalText(store.url)} on ${server.url}`,
          `the token is in ${terminalText(from)}; the API to read: ${server.url}/docs`,
        );
      }
      await aborted(io.signal);
    } finally {
      await server.close();
    }
  });
  return ExitCode.done;
}

async function started(options: ListenOptions): Promise<RunningServer> {
  try {
    return await listen(options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const { host, port } = options;
    if (code === "EADDRINUSE") {
      throw new CliError("PORT_UNUSABLE", `port ${port} is taken: name another with --port, or 0 for a free one`);
    }
    if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new CliError("PORT_UNUSABLE", `cannot listen on ${host} port ${port}: ${systemReason(error)}`);
    }
    throw error;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** With its cause: this is where the operator learns what a client is not told. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.message}${cause}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
