/**
 * The Python program that runs an answer against tests. It forks before it has read anything: the child runs the
 * answer, the parent runs the tests and reports. Only values cross between them, so what the answer's code prints,
 * how it exits and what it patches never touches the tests, and the report's nonce is never in the child's memory.
 *
 * Standard input: one JSON job. Standard output: one JSON report.
 */
export const PYTHON_HARNESS = String.raw`
import json, os, struct, sys

MAX_FRAME = 64 << 20


class Gone(BaseException):
    """The answer's process ended, or said what cannot be understood."""


class CannotSay(BaseException):
    """The tests need what does not cross between two processes."""


class AnswerError(Exception):
    """The answer's code raised an exception of its own kind."""


class Peer:
    """One end of the wire. Values cross as copies, everything else as a handle on the other side's object."""

    def __init__(self, receive, send, trusting):
        self.receive_fd, self.send_fd, self.trusting = receive, send, trusting
        self.objects, self.handles, self.remotes = [], {}, {}
        self.exceptions, self.calls, self.stopped = {}, 0, None

    def stop(self, error):
        """Ends the verdict here, also when a test catches whatever is thrown."""
        self.stopped = self.stopped or error
        return error

    def send(self, message):
        data = json.dumps(message).encode()
        if len(data) > MAX_FRAME:
            raise ValueError("a value is too large")
        data = struct.pack("<I", len(data)) + data
        while data:
            data = data[os.write(self.send_fd, data):]

    def receive(self):
        (size,) = struct.unpack("<I", self.read(4))
        if size > MAX_FRAME:
            raise self.stop(Gone("it sent too much"))
        try:
            return json.loads(self.read(size))
        except (ValueError, RecursionError):
            raise self.stop(Gone("it sent what is no message"))

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            part = os.read(self.receive_fd, min(size - len(data), 1 << 20))
            if not part:
                raise self.stop(Gone("its process ended"))
            data += part
        return bytes(data)

    def ask(self, operation, handle, *args, **kwargs):
        """Sends a request, and serves the other side's requests until the reply is there."""
        self.calls += 1
        named = {name: self.encode(value) for name, value in kwargs.items()}
        self.send(["ask", operation, handle, [self.encode(value) for value in args], named])
        while True:
            message = self.receive()
            if message[0] == "ask":
                self.serve(message)
                continue
            if message[0] == "error":
                raise self.error(message)
            for value, changed in zip(args, message[2]):
                if changed is not None:
                    write_back(value, self.decode(changed))
            return self.decode(message[1])

    def serve(self, message):
        _, operation, handle, args, kwargs = message
        try:
            given = [self.decode(value) for value in args]
            named = {name: self.decode(value) for name, value in kwargs.items()}
            if not self.trusting and operation != "call":
                raise TypeError("only a call is answered")
            result = self.encode(OPERATIONS[operation](self.objects[handle], *given, **named))
            changed = [after if isinstance(value, (list, dict, set, bytearray)) and (after := self.encode(value)) != before
                       else None for value, before in zip(given, args)]
            reply = ["reply", result, changed]
        except (Gone, CannotSay):
            raise
        except BaseException as error:
            reply = ["error", [kind.__name__ for kind in type(error).__mro__], text_of(error)]
        self.send(reply)

    def encode(self, value):
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if isinstance(value, list):
            return ["l", [self.encode(item) for item in list.__iter__(value)]]
        if isinstance(value, tuple):
            return ["t", [self.encode(item) for item in tuple.__iter__(value)]]
        if isinstance(value, dict):
            return ["d", [[self.encode(key), self.encode(item)] for key, item in dict.items(value)]]
        if isinstance(value, (set, frozenset)):
            base = set if isinstance(value, set) else frozenset
            return ["s" if base is set else "f", [self.encode(item) for item in base.__iter__(value)]]
        if kind in (bytes, bytearray):
            return ["b" if kind is bytes else "a", value.hex()]
        if kind is complex:
            return ["c", [value.real, value.imag]]
        if kind is range:
            return ["r", [value.start, value.stop, value.step]]
        if (kind.__module__, kind.__name__) in TEXTS:
            return ["p", [kind.__module__, kind.__name__, TEXTS[kind.__module__, kind.__name__][0](value)]]
        if kind.__module__ == "numpy" and hasattr(value, "tolist"):
            listed = self.encode(value.tolist())
            return ["n", [value.dtype.str, listed]] if hasattr(value, "__len__") and kind.__name__ == "ndarray" else listed
        for base, get in ((int, int.__int__), (float, float.__float__), (str, str.__str__)):
            if isinstance(value, base):
                return get(value)
        if kind is Remote:
            return ["y", object.__getattribute__(value, "_handle")]
        if not self.trusting and not callable(value):
            raise self.stop(CannotSay("a test hands over a " + kind.__name__))
        if id(value) not in self.handles:
            self.handles[id(value)] = len(self.objects)
            self.objects.append(value)
        is_async = getattr(getattr(value, "__code__", None), "co_flags", 0) & 0x80
        return ["k" if is_async else "o", self.handles[id(value)]]

    def decode(self, value):
        if not isinstance(value, list):
            return value
        tag, content = value
        if tag == "l":
            return [self.decode(item) for item in content]
        if tag == "t":
            return tuple(self.decode(item) for item in content)
        if tag == "d":
            return {self.decode(key): self.decode(item) for key, item in content}
        if tag == "s":
            return {self.decode(item) for item in content}
        if tag == "f":
            return frozenset(self.decode(item) for item in content)
        if tag == "b":
            return bytes.fromhex(content)
        if tag == "a":
            return bytearray.fromhex(content)
        if tag == "c":
            return complex(*content)
        if tag == "r":
            return range(*content)
        if tag == "p":
            import importlib
            module, name, text = content
            return TEXTS[module, name][1](getattr(importlib.import_module(module), name), text)
        if tag == "n":
            import numpy
            if content[0][1:2] not in tuple("biufcU"):
                raise self.stop(CannotSay("an array of objects"))
            return numpy.array(self.decode(content[1]), dtype=content[0])
        if tag in ("o", "k"):
            if content not in self.remotes:
                self.remotes[content] = Remote(self, content)
            return self.remotes[content] if tag == "o" else waiting_for(self.remotes[content])
        return self.objects[content]

    def error(self, message):
        _, names, text = message
        import builtins
        for name in names:
            kind = self.exceptions.get(name) or getattr(builtins, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                try:
                    return kind(text)
                except Exception:
                    continue
        return AnswerError(names[0] + ": " + text)


class Remote:
    """An object of the other side. It equals only itself: what decides a test are values."""

    __slots__ = ("_peer", "_handle")

    def __init__(self, peer, handle):
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_handle", handle)

    def __getattr__(self, name):
        return self._peer.ask("getattr", self._handle, name)

    def __setattr__(self, name, value):
        self._peer.ask("setattr", self._handle, name, value)

    def __call__(self, *args, **kwargs):
        return self._peer.ask("call", self._handle, *args, **kwargs)

    def __eq__(self, other):
        return self is other or (type(other) is Remote and bool(self._peer.ask("__eq__", self._handle, other)))

    def __hash__(self):
        return id(self)

    def __iter__(self):
        items = self._peer.ask("iter", self._handle)
        return items if type(items) is Remote else iter(items)

    def __next__(self):
        return self._peer.ask("next", self._handle)


def waiting_for(remote):
    async def call(*args, **kwargs):
        return remote._peer.ask("wait", remote._handle, *args, **kwargs)
    return call


def special(name):
    def ask(self, *args):
        # The answer's code must not decide how what it returned compares with the value that a test expects.
        if name in BETWEEN_TWO and type(args[0]) is not Remote:
            raise self._peer.stop(CannotSay("an object of the answer's own is compared with a value"))
        return self._peer.ask(name, self._handle, *args)
    return ask


def wait(target, *args, **kwargs):
    import asyncio
    return asyncio.run(target(*args, **kwargs))


def ticks(delta):
    return [delta.days, delta.seconds, delta.microseconds]


# Values of the standard library that cross as text.
TEXTS = {("decimal", "Decimal"): (str, lambda kind, text: kind(text)), ("fractions", "Fraction"): (str, lambda kind, text: kind(text)),
         ("datetime", "timedelta"): (ticks, lambda kind, ticks: kind(*ticks)),
         **{("datetime", name): (lambda value: value.isoformat(), lambda kind, text: kind.fromisoformat(text))
            for name in ("date", "datetime", "time")}}

BETWEEN_TWO = set("__lt__ __le__ __gt__ __ge__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __floordiv__ "
                  "__mod__ __pow__ __and__ __or__ __xor__".split())
SPECIAL = (*BETWEEN_TWO, *("__len__ __getitem__ __setitem__ __delitem__ __str__ __repr__ __bool__ __neg__ __abs__ "
                           "__enter__ __exit__ __int__ __float__ __reversed__").split())
for name in SPECIAL:
    setattr(Remote, name, special(name))


def by_operator(name):
    import operator
    plain = {"__bool__": bool, "__str__": str, "__repr__": repr, "__int__": int, "__float__": float, "__reversed__": reversed,
             "__radd__": lambda a, b: b + a, "__rsub__": lambda a, b: b - a, "__rmul__": lambda a, b: b * a,
             "__len__": len, "__enter__": lambda a: a.__enter__(), "__exit__": lambda a, *rest: a.__exit__(*rest)}
    return plain.get(name) or getattr(operator, name)


OPERATIONS = {"call": lambda target, *args, **kwargs: target(*args, **kwargs), "getattr": getattr, "setattr": setattr,
              "iter": iter, "next": next, "wait": wait, "__eq__": lambda a, b: a == b, **{name: by_operator(name) for name in SPECIAL}}


def write_back(value, changed):
    """What the answer did to a list, dict or set that it was given."""
    if isinstance(value, (list, bytearray)):
        value[:] = changed
    elif isinstance(value, (dict, set)):
        value.clear()
        value.update(changed)


def text_of(error):
    try:
        return str(error)[:200]
    except BaseException:
        return ""


def contain(limits, child=None):
    """Limits of the operating system, and a hook that refuses what no solution of a task needs."""
    import resource
    seconds = limits["cpuSeconds"]
    for name, soft, hard in (("RLIMIT_CPU", seconds, seconds + 1), ("RLIMIT_AS", limits["memoryBytes"], None),
                             ("RLIMIT_FSIZE", limits["fileBytes"], None), ("RLIMIT_CORE", 0, None),
                             ("RLIMIT_NPROC", threads_now() + 64, None), ("RLIMIT_NOFILE", 64, None)):
        try:
            resource.setrlimit(getattr(resource, name), (soft, soft if hard is None else hard))
        except (AttributeError, ValueError, OSError):
            pass  # a lower limit holds already, or this system has none of the kind
    try:
        import _posixsubprocess
        _posixsubprocess.fork_exec = None  # it tells no hook
    except ImportError:
        pass
    import builtins, types
    # With names of its own, for the answer may change every module that it can import, this one and builtins too.
    makes_hook = types.FunctionType(hook_for.__code__, {"__builtins__": dict(vars(builtins))})
    inside = os.path.realpath(os.getcwd())
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    sys.addaudithook(makes_hook(child, inside, writing, os.getcwd, os.readlink, os.stat, frozenset(REFUSED), dict(CHANGING)))


def hook_for(child, inside, writing, getcwd, readlink, stat, refused, changing):
    """Makes the hook. It calls what is written in C only: no frame of it is on the stack while the answer's code runs."""

    def is_outside(path):
        if isinstance(path, bytes):
            path = bytes.decode(path, "utf-8", "surrogateescape")
        elif not isinstance(path, str):
            return not isinstance(path, int)
        path = str.__str__(path)
        if path[:5] == "file:":
            return True  # SQLite reads it as an address
        rest, resolved, links = path.split("/"), "", 0
        if path[:1] != "/":
            if ".." in rest:
                return True  # it may be meant from another directory than this one
            rest = getcwd().split("/") + rest
        rest.reverse()
        while rest:
            part = rest.pop()
            if part == "..":
                resolved = resolved.rpartition("/")[0]
            elif part not in ("", "."):
                try:
                    target = readlink(resolved + "/" + part)
                except (OSError, ValueError):
                    resolved += "/" + part
                    continue
                links += 1
                if links > 40:
                    return True
                if target[:1] == "/":
                    resolved = ""
                rest += target.split("/")[::-1]
        return resolved not in ("/dev/null", inside) and not resolved.startswith(inside + "/")

    def is_folder(path):
        try:
            return stat(path).st_mode & 0o170000 == 0o040000
        except (OSError, ValueError, TypeError):
            return False

    def hook(event, args):
        family = event.partition(".")[0]
        if event == "import":
            if args[0].rpartition(".")[2] in ("ctypes", "_ctypes", "_posixsubprocess"):
                raise ImportError(args[0] + " is not allowed here")
        elif event == "open":
            path, mode, flags = args
            if isinstance(flags, int) and flags & writing and is_outside(path):
                raise PermissionError("writing outside the working directory is not allowed here")
            # A folder that is open is a way to write into it by names that look like ours.
            if mode is None and is_outside(path) and is_folder(path):
                raise PermissionError("opening a folder outside the working directory is not allowed here")
        elif event == "os.kill" and args[0] == child:
            return
        elif event in refused or family == "ctypes":
            raise PermissionError(event + " is not allowed here")
        elif family == "socket":
            # An event loop of asyncio wakes itself through a pair of local sockets.
            if event != "socket.__new__" or args[1] != 1:
                raise PermissionError("no network here")
        elif event in changing and any(is_outside(arg) for arg in args[: changing[event]]):
            raise PermissionError(event + " outside the working directory is not allowed here")

    return hook


def threads_now():
    """The limit counts all of a user's threads, so it has to stand above those that there are."""
    try:
        with open("/proc/loadavg") as file:
            return int(file.read().split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 1024


REFUSED = {"os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system", "subprocess.Popen", "pty.spawn",
           "os.kill", "os.killpg", "signal.pthread_kill", "os.startfile", "os.listxattr", "os.setxattr", "os.mount",
           "gc.get_objects", "gc.get_referrers", "gc.get_referents"}
# How many of an event's first arguments are paths that it changes.
CHANGING = {"os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.mkdir": 1, "os.chmod": 1, "os.chown": 1, "os.link": 2,
            "os.symlink": 2, "os.truncate": 1, "os.utime": 1, "sqlite3.connect": 1}


def module_of(name, code):
    """Runs code as a module of its own, so that an 'if __name__ == "__main__"' part does not run."""
    import types
    module = types.ModuleType(name)
    sys.modules[name] = module  # dataclasses and typing look their module up
    exec(compile(code, "<" + name + ">", "exec"), module.__dict__)
    return module.__dict__


def run_answer(receive, send):
    peer = Peer(receive, send, True)
    job = peer.receive()
    contain(job["limits"])
    try:
        names = module_of("answer", job["setup"] + "\n" + job["code"])
        modules = {name: value.__name__ for name, value in names.items() if isinstance(value, type(sys))}
        public = {name: value for name, value in names.items() if not name.startswith("__") and name not in modules}
        errors = {name: [kind.__name__ for kind in value.__mro__] for name, value in public.items()
                  if isinstance(value, type) and issubclass(value, BaseException)}
        exports = ["exports", [[name, peer.encode(value)] for name, value in public.items()], modules, errors]
    except BaseException as error:
        exports = ["failed", type(error).__name__ + ": " + text_of(error)]
    peer.send(exports)
    while True:
        peer.serve(peer.receive())


def run_tests(peer, job, child):
    """The verdict: whether the answer passed, or null, and why."""
    try:
        wanted = names_wanted(job["tests"])
        code = compile(job["tests"], "<tests>", "exec")
    except (SyntaxError, ValueError) as error:
        return {"broken": "the tests are no Python: " + text_of(error)}
    contain(job["limits"], child)
    values = set()
    peer.send({"setup": job["setup"], "code": job["code"], "limits": job["limits"]})
    try:
        exports = peer.receive()
        if exports[0] == "failed":
            return {"passed": False, "reason": "the answer's code does not run: " + exports[1][:300]}
        import builtins, importlib, types
        entry = job.get("entryPoint")
        # An answer may define what it likes, but not what the tests take from Python or from the task.
        shared = module_of("setup", job["setup"])
        kept = {name for name, value in shared.items()
                if name != entry and not name.startswith("__") and not isinstance(value, type)}
        module = types.ModuleType("tests")
        sys.modules["tests"] = module
        names = module.__dict__
        is_free = lambda name: name == entry or not hasattr(builtins, name)
        for name, imported in exports[2].items():
            if is_free(name) and imported.partition(".")[0] in getattr(sys, "stdlib_module_names", ()):
                names[name] = importlib.import_module(imported)
        for name, value in exports[1]:
            if is_free(name):
                names[name] = peer.decode(value)
        for name, line in sorted(exports[3].items(), key=lambda item: len(item[1])):
            if not is_free(name):
                continue
            base = peer.error(["error", line[1:], ""]).__class__
            names[name] = peer.exceptions[line[0]] = type(name, (base,), {})
        names.update((name, shared[name]) for name in kept)
        values = {name for name, value in names.items() if name in wanted - kept and not callable(value)}
        for name in ("answer", "solution"):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__dict__.update(names)
        if entry is not None and entry not in names:
            return {"passed": False, "reason": "the answer does not define " + entry}
        before = names.get("check")
        if entry is not None:
            names.setdefault("candidate", names[entry])
        exec(code, names)
        check = names.get("check")
        if entry is not None and check is not before and isinstance(check, types.FunctionType):
            check(names[entry])
        for name, test in list(names.items()):
            if name.startswith("test") and isinstance(test, types.FunctionType) and test.__code__.co_argcount == 0:
                test()
        run_unittests(names)
    except BaseException as error:
        if not peer.stopped:
            said = text_of(error)
            if not peer.calls and not values and not isinstance(error, (NameError, ImportError)):
                return {"passed": None, "reason": "the tests fail without using the answer: " + said}
            return {"passed": False, "reason": type(error).__name__ + (": " + said if said else "") + line_of(error)}
    if isinstance(peer.stopped, CannotSay):
        return {"passed": None, "reason": text_of(peer.stopped)}
    if peer.stopped:
        return {"passed": False, "reason": "the answer broke off: " + text_of(peer.stopped)}
    if not peer.calls and not values:
        return {"passed": None, "reason": "the tests never used the answer"}
    return {"passed": True, "reason": "the tests pass"}


def names_wanted(tests):
    """What the tests read and do not define themselves."""
    import ast
    nodes = list(ast.walk(ast.parse(tests)))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return (read - made) | imported


def run_unittests(names):
    if "unittest" not in sys.modules:
        return
    import io, unittest
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in list(names.values())
        if isinstance(case, type) and issubclass(case, unittest.TestCase) and case is not unittest.TestCase
        and case.__module__ == "tests")
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    for _, trace in result.failures + result.errors:
        raise AssertionError(trace.strip().splitlines()[-1])


def line_of(error):
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == "<tests>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else " (line %d of the tests)" % line


def main():
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    to_answer, from_answer = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(to_answer[1])
        os.close(from_answer[0])
        try:
            run_answer(to_answer[0], from_answer[1])
        except BaseException:
            pass
        os._exit(0)
    os.close(to_answer[0])
    os.close(from_answer[1])
    report_to = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    with open(0, "rb", closefd=False) as stdin:
        job = json.loads(stdin.read())
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    verdict = run_tests(Peer(from_answer[0], to_answer[1], False), job, child)
    os.write(report_to, json.dumps({**verdict, "nonce": job["nonce"]}).encode())
    try:
        os.kill(child, 9)
    except OSError:
        pass
    os._exit(0)


main()
`;
