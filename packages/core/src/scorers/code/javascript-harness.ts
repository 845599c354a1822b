/**
 * The JavaScript that stands at both ends of the wire between the machine that runs an answer and the one that runs
 * its tests: an expression whose value takes `(send, isTrusting)` and gives one end. Values cross as copies,
 * everything else as a handle on the other side's object; see PYTHON_HARNESS for the same idea.
 */
export const JAVASCRIPT_PEER = String.raw`(function (send, isTrusting) {
  "use strict";
  const { parse, stringify } = JSON;
  const { getPrototypeOf, keys, is } = Object;
  const ERRORS = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };
  const SYMBOLS = { "@@iterator": Symbol.iterator, "@@asyncIterator": Symbol.asyncIterator };
  const objects = [], handles = new Map(), remotes = new Map(), handleOf = new WeakMap(), promises = [];
  const peer = { calls: 0, cannotSay: null, encode, decode, serve, ask, fieldsOf, isRemote: (value) => handleOf.has(value), tick };

  function encode(value) {
    if (value === undefined) return ["u"];
    if (value === null || typeof value === "boolean" || typeof value === "string") return value;
    if (typeof value === "number") return Number.isFinite(value) && !is(value, -0) ? value : ["n", is(value, -0) ? "-0" : String(value)];
    if (typeof value === "bigint") return ["i", String(value)];
    if (typeof value === "symbol") return cannotSay("a symbol");
    if (handleOf.has(value)) return ["y", handleOf.get(value)];
    if (Array.isArray(value)) return ["l", Array.from(value, encode)];
    if (value instanceof Map) return ["m", Array.from(value, ([key, item]) => [encode(key), encode(item)])];
    if (value instanceof Set) return ["s", Array.from(value, encode)];
    if (value instanceof Date) return ["t", encode(value.getTime())];
    if (value instanceof RegExp) return ["x", value.source, value.flags];
    if (ArrayBuffer.isView(value) && value.length !== undefined) return ["a", value.constructor.name, Array.from(value, encode)];
    if (value instanceof Promise && isTrusting) return ["p", promises.push(settling(value)) - 1];
    const prototype = getPrototypeOf(value);
    const isPrototype = Object.hasOwn(value, "constructor") && value.constructor?.prototype === value;
    if (typeof value !== "function" && !isPrototype && (prototype === Object.prototype || prototype === null)) {
      return ["d", keys(value).map((key) => [key, encode(value[key])])];
    }
    if (Object.hasOwn(ERRORS, value.name) && !isPrototype && prototype === ERRORS[value.name].prototype) return ["e", value.name, String(value.message)];
    if (!isTrusting && typeof value !== "function") return cannotSay("an object of a class of the tests");
    if (!handles.has(value)) handles.set(value, objects.push(value) - 1);
    return ["o", handles.get(value), typeof value === "function"];
  }

  function decode(value) {
    if (!Array.isArray(value)) return value;
    const [tag, content, more] = value;
    switch (tag) {
      case "u": return undefined;
      case "n": return Number(content);
      case "i": return BigInt(content);
      case "l": return content.map(decode);
      case "m": return new Map(content.map(([key, item]) => [decode(key), decode(item)]));
      case "s": return new Set(content.map(decode));
      case "t": return new Date(decode(content));
      case "x": return new RegExp(content, more);
      case "a": return /^\w+Array$/.test(content) ? new globalThis[content](more.map(decode)) : undefined;
      case "p": return ask("settle", content);
      case "e": return new ERRORS[content](more);
      case "y": return objects[content];
      case "o": return remoteOf(content, more);
      case "d": {
        const record = {};
        for (const [key, item] of content) Object.defineProperty(record, key, { value: decode(item), writable: true, enumerable: true, configurable: true });
        return record;
      }
    }
    throw new TypeError("the answer sent what is no value");
  }

  function remoteOf(handle, isFunction) {
    if (remotes.has(handle)) return remotes.get(handle);
    const proxy = new Proxy(isFunction ? function () {} : {}, {
      get: (_, key) => (typeof key === "string" || nameOf(key) ? ask("get", handle, typeof key === "string" ? key : nameOf(key)) : undefined),
      set: (_, key, value) => (ask("set", handle, String(key), value), true),
      has: (_, key) => typeof key === "string" && ask("has", handle, key),
      getPrototypeOf: () => ask("prototype", handle),
      apply: (_, self, args) => ask("call", handle, self, ...args),
      construct: (_, args) => ask("new", handle, ...args),
    });
    handleOf.set(proxy, handle);
    remotes.set(handle, proxy);
    return proxy;
  }

  function nameOf(symbol) {
    for (const name in SYMBOLS) if (SYMBOLS[name] === symbol) return name;
  }

  function fieldsOf(remote) {
    return ask("fields", handleOf.get(remote));
  }

  function ask(operation, handle, ...args) {
    peer.calls += 1;
    const reply = parse(send(stringify([operation, handle, args.map(encode)])));
    if (reply[0] === "error") throw decode(reply[1]);
    if (reply[0] === "promise") {
      const outcome = decode(reply[2]);
      return reply[1] === "kept" ? Promise.resolve(outcome) : reply[1] === "broken" ? Promise.reject(outcome) : new Promise(() => {});
    }
    args.forEach((given, i) => reply[2][i] !== null && writeBack(given, decode(reply[2][i])));
    return decode(reply[1]);
  }

  function serve(text) {
    const [operation, handle, encoded] = parse(text);
    try {
      if (operation === "settle") return stringify(["promise", promises[handle].state, encode(promises[handle].outcome)]);
      if (!isTrusting && operation !== "call") throw new TypeError("only a call is answered");
      const args = encoded.map(decode);
      const result = encode(OPERATIONS[operation](objects[handle], args));
      const changed = args.map((given, i) => {
        if (typeof given !== "object" || given === null || handleOf.has(given)) return null;
        const after = encode(given);
        return stringify(after) === stringify(encoded[i]) ? null : after;
      });
      return stringify(["reply", result, changed]);
    } catch (error) {
      return stringify(["error", encode(error)]);
    }
  }

  const OPERATIONS = {
    call: (target, [self, ...args]) => target.apply(self, args),
    new: (target, args) => new target(...args),
    get: (target, [key]) => target[SYMBOLS[key] ?? key],
    set: (target, [key, value]) => void (target[key] = value),
    has: (target, [key]) => key in target,
    prototype: (target) => getPrototypeOf(target),
    fields: (target) => ({ ...target }),
  };

  function writeBack(given, changed) {
    if (Array.isArray(given)) given.splice(0, given.length, ...changed);
    else if (given instanceof Map) (given.clear(), changed.forEach((item, key) => given.set(key, item)));
    else if (given instanceof Set) (given.clear(), changed.forEach((item) => given.add(item)));
    else if (typeof given === "object" && given !== null && !(given instanceof Date) && !ArrayBuffer.isView(given)) {
      for (const key of keys(given)) if (!(key in changed)) delete given[key];
      Object.assign(given, changed);
    }
  }

  function settling(promise) {
    const watched = { state: "pending", outcome: undefined };
    promise.then(
      (value) => Object.assign(watched, { state: "kept", outcome: value }),
      (error) => Object.assign(watched, { state: "broken", outcome: error }),
    );
    return watched;
  }

  function cannotSay(what) {
    peer.cannotSay ??= "a test hands over " + what;
    throw new TypeError(peer.cannotSay);
  }

  // Timers run in the order in which they are due, without waiting.
  const timers = new Map();
  let now = 0, timer = 0;
  const later = (every) => (work, ms = 0, ...args) => (timers.set(++timer, { at: now + Math.max(Number(ms) || 0, every), work, args, every, ms }), timer);
  globalThis.setTimeout = later(0);
  globalThis.setInterval = later(1);
  globalThis.setImmediate = (work, ...args) => setTimeout(work, 0, ...args);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = (id) => void timers.delete(id);
  globalThis.queueMicrotask = (work) => void Promise.resolve().then(work);
  globalThis.structuredClone = (value) => decode(encode(value));
  globalThis.console = Object.fromEntries(["log", "info", "warn", "error", "debug", "trace", "table"].map((name) => [name, () => {}]));
  globalThis.global = globalThis;
  function tick() {
    const [next] = [...timers].sort(([a, x], [b, y]) => x.at - y.at || a - b);
    if (!next) return false;
    const [id, { at, work, args, every, ms }] = next;
    now = at;
    if (every) timers.get(id).at = now + Math.max(Number(ms) || 0, 1);
    else timers.delete(id);
    work(...args);
    return true;
  }
  return peer;
})`;

/** Runs in the answer's machine, behind the peer: loads the code and tells what it defines. */
export const JAVASCRIPT_ANSWER = `(function (peer) {
  "use strict";
  const evaluate = eval, { parse, stringify } = JSON, { encode, serve, tick } = peer;
  const builtins = new Set(Object.getOwnPropertyNames(globalThis));
  const { ownKeys } = Reflect;
  const shared = [...builtins].map((name) => globalThis[name]).filter((value) => Object(value) === value && value !== globalThis);
  const known = shared.flatMap((value) => [value, value.prototype]).filter((value) => Object(value) === value).map((object) => [object, new Set(ownKeys(object))]);
  globalThis.module = { exports: {} };
  globalThis.exports = module.exports;
  const initial = module.exports;
  return {
    serve, tick,
    exported(text) {
      const said = parse(text);
      const names = said.filter((name) => !builtins.has(name) && name !== "module" && name !== "exports");
      const found = [];
      for (const name of names) {
        try {
          const value = Object.hasOwn(module.exports, name) ? module.exports[name] : evaluate(name);
          if (value !== undefined) found.push([name, encode(value)]);
        } catch {} // not defined: the tests will say so
      }
      const whole = module.exports === initial ? null : encode(module.exports);
      const added = known.flatMap(([object, before]) => ownKeys(object).filter((key) => said.includes(key) && !before.has(key)));
      return stringify([found, whole, added]);
    },
  };
})`;

/** Runs in the tests' machine, behind the peer: what a test may use, and the verdict. */
export const JAVASCRIPT_TESTS = String.raw`(function (peer, report) {
  "use strict";
  const { isRemote, fieldsOf, decode, serve, tick } = peer;
  class AssertionError extends Error {}
  Object.defineProperty(AssertionError.prototype, "name", { value: "AssertionError" });
  const shown = (value) => { try { return isRemote(value) ? "an object" : (JSON.stringify(value) ?? String(value)).slice(0, 80); } catch { return typeof value; } };
  const claim = (holds, message, otherwise) => { if (!holds) throw message instanceof Error ? message : new AssertionError(message ?? otherwise); };

  function same(a, b, isStrict) {
    if (isStrict ? Object.is(a, b) : a == b || Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (isRemote(a)) return same(fieldsOf(a), isRemote(b) ? fieldsOf(b) : b, isStrict);
    if (isRemote(b)) return same(b, a, isStrict);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (a instanceof Date) return a.getTime() === b.getTime();
    if (a instanceof RegExp) return String(a) === String(b);
    if (a instanceof Error) return a.name === b.name && a.message === b.message;
    if (a instanceof Set) return a.size === b.size && [...a].every((item) => b.has(item) || [...b].some((other) => same(item, other, isStrict)));
    if (a instanceof Map) return a.size === b.size && [...a].every(([key, item]) => b.has(key) && same(item, b.get(key), isStrict));
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name], isStrict));
  }

  function meets(error, expected) {
    if (expected === undefined || typeof expected === "string") return true;
    if (expected instanceof RegExp) return expected.test(String(error?.message ?? error));
    if (typeof expected === "function") {
      if (expected.prototype !== undefined && error instanceof expected) return true;
      return isRemote(expected) || Error.isPrototypeOf(expected) || expected === Error ? false : expected(error) === true;
    }
    return Object.keys(expected).every((name) => expected[name] instanceof RegExp ? expected[name].test(error[name]) : same(error[name], expected[name], true));
  }

  const assert = (value, message) => claim(value, message, "a falsy value");
  const equality = (isStrict, isDeep, wanted) => (a, b, message) => {
    const equal = isDeep ? same(a, b, isStrict) : isStrict ? Object.is(a, b) : a == b;
    claim(equal === wanted, message, shown(a) + (wanted ? " is not " : " is ") + shown(b));
  };
  Object.assign(assert, {
    ok: assert, AssertionError, strict: assert,
    equal: equality(false, false, true), notEqual: equality(false, false, false),
    strictEqual: equality(true, false, true), notStrictEqual: equality(true, false, false),
    deepEqual: equality(false, true, true), notDeepEqual: equality(false, true, false),
    deepStrictEqual: equality(true, true, true), notDeepStrictEqual: equality(true, true, false),
    fail: (message) => claim(false, message, "failed"),
    match: (text, pattern, message) => claim(pattern.test(text), message, shown(text) + " does not match " + pattern),
    throws(work, expected, message) {
      let thrown;
      try { work(); } catch (error) { thrown = { error }; }
      claim(thrown, message, "nothing was thrown");
      claim(meets(thrown.error, expected), message, "another error was thrown");
    },
    doesNotThrow: (work) => work(),
    async rejects(work, expected, message) {
      let thrown;
      try { await (typeof work === "function" ? work() : work); } catch (error) { thrown = { error }; }
      claim(thrown, message, "nothing was rejected");
      claim(meets(thrown.error, expected), message, "it was rejected with another error");
    },
  });

  const collected = [];
  const test = (...args) => void collected.push(args.at(-1));
  const describe = (_title, body) => void body();
  const names = new Map();
  let whole, usesValues = false, added = [];
  Object.assign(globalThis, {
    assert, test, it: test, describe,
    require(name) {
      if (/^(node:)?assert(\/strict)?$/.test(name)) return assert;
      if (name === "node:test") return Object.assign(test, { test, it: test, describe });
      if (name.startsWith(".")) return whole !== undefined && typeof whole === "function" ? whole : { ...Object.fromEntries(names), ...(isRemote(whole) ? fieldsOf(whole) : whole) };
      throw new Error("there is no module " + name);
    },
  });

  const isUsed = () => peer.calls > 0 || usesValues;
  const told = (passed, reason) => report(JSON.stringify({ passed, reason }));
  return {
    serve, tick,
    define(text, entryPoint) {
      const [found, exported, extensions] = JSON.parse(text);
      added = extensions;
      for (const [name, value] of found) {
        // An answer may define what it likes, but not what the tests take from the language or from the task.
        if (name !== entryPoint && name in globalThis) continue;
        names.set(name, decode(value));
        if (!isRemote(names.get(name))) usesValues = true;
        globalThis[name] = names.get(name);
      }
      if (exported !== null) whole = decode(exported);
    },
    run(body, entryPoint) {
      peer.calls = 0;
      (async () => {
        if (entryPoint !== "" && !names.has(entryPoint)) throw new ReferenceError("the answer does not define " + entryPoint);
        const check = await body(names.get(entryPoint));
        if (entryPoint !== "" && typeof check === "function") await check(names.get(entryPoint));
        for (const work of collected) await work();
      })().then(
        () => (isUsed() ? told(true, "the tests pass") : told(null, "the tests never used the answer")),
        (error) => {
          const reason = String(error?.name ?? "Error") + ": " + String(error?.message ?? error).slice(0, 200);
          const own = error instanceof TypeError ? added[0] : undefined;
          if (peer.cannotSay !== null) told(null, peer.cannotSay);
          else if (own !== undefined) told(null, "the answer adds " + own + " to an object of the language, which the tests do not share");
          else told(isUsed() || error instanceof ReferenceError ? false : null, reason);
        },
      );
    },
  };
})`;
