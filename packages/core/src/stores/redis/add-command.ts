import type { RedisCommand, RedisPipeline } from "./redis-like.js";

/**
 * Adds a command to a pipeline. A long one is written here, in one piece: ioredis turns each of its values into texts of
 * its own, and the texts of a whole batch into one, which takes it longer than all the rest of a write.
 */
export function addCommand(pipeline: RedisPipeline, command: RedisCommand, asBytes = false): void {
  const call = asBytes ? "callBuffer" : "call";
  if (command.length < LONG && !command.some((value) => typeof value === "object")) {
    pipeline[call](...(command as readonly [string, ...(string | number)[]]));
    return;
  }
  // The client makes a command of what stands in front, its keys, so that it finds the server of a cluster, puts its
  // prefix before the keys, and sends the command again after a lost connection. What it sends are these bytes.
  const front = lengthOfFront(command);
  const client = pipeline as RedisPipeline & { sendCommand(made: ClientCommand): unknown };
  const { sendCommand } = client;
  client.sendCommand = (made) => {
    made.toWritable = () => encoded(made, command, front);
    return sendCommand.call(client, made);
  };
  client[call](...(command.slice(0, front) as [string, ...(string | number)[]]));
  client.sendCommand = sendCommand;
}

const LONG = 16;

/** How many values the name and the keys are. */
function lengthOfFront([name, ...values]: RedisCommand): number {
  if (name === "eval") return 3 + Number(values[1]);
  return name === "exists" ? 1 + values.length : 2;
}

/** What of ioredis' commands we use. */
interface ClientCommand {
  readonly name: string;
  readonly args: readonly string[];
  toWritable: () => Buffer;
}

/**
 * The command on the wire, an array of bulk strings: https://redis.io/docs/latest/develop/reference/protocol-spec/
 * The first values are taken as the client has made them.
 */
function encoded({ name, args }: ClientCommand, command: RedisCommand, front: number): Buffer {
  const values: (string | number | Buffer)[] = command.slice();
  values.splice(0, front, name, ...args);
  let most = HEADER_BYTES;
  for (const value of values) most += HEADER_BYTES + mostBytes(value);
  const bytes = Buffer.allocUnsafe(most);
  let used = putText(bytes, 0, `*${values.length}`);
  for (const value of values) {
    if (typeof value === "object") {
      used = putLength(bytes, used, value.length);
      used += value.copy(bytes, used);
    } else used = putBulk(bytes, used, typeof value === "string" ? value : String(value));
  }
  used = putText(bytes, used, LINE_END);
  return bytes.subarray(0, used);
}

const LINE_END = "\r\n";
/** Two line ends, a sign, and ten digits. */
const HEADER_BYTES = 15;
const NUMBER_BYTES = 24;

function mostBytes(value: string | number | Buffer): number {
  if (typeof value === "number") return NUMBER_BYTES;
  // UTF-8 takes at most three bytes for a UTF-16 unit.
  return typeof value === "string" ? 3 * value.length : value.length;
}

function putBulk(bytes: Buffer, at: number, text: string): number {
  const end = putText(bytes, putLength(bytes, at, text.length), text);
  if (end >= 0) return end;
  const start = putLength(bytes, at, Buffer.byteLength(text));
  return start + bytes.write(text, start);
}

function putLength(bytes: Buffer, at: number, length: number): number {
  const digits = putText(bytes, at, LINE_END);
  bytes[digits] = 0x24;
  return putText(bytes, putText(bytes, digits + 1, String(length)), LINE_END);
}

/** Writes ASCII; -1 where it is none. For something short, `Buffer.write` takes longer, and joining texts leaves garbage. */
function putText(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 126) return -1;
    bytes[at + i] = code;
  }
  return at + text.length;
}
