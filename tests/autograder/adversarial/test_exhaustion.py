"""Does an answer that takes all it can get cost its question only, and nobody else anything?

Each case is tried with the other answers right, and they keep their marks; those that `ruins` names take their own
process down with them. `fails` is what the question's test ends with: it tells a limit that was met from a mere slip.
"""

import time

import pytest

from autograder.seal import Limits
from tests.autograder.adversarial.trial import FULL, WRONG, Case, answered

SECONDS = 1.5
SMALL = Limits(memory_mb=200)
SOCKET = """
import os, socket, stat, struct, time
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
(END,) = [number for number in range(3, 64) if is_socket(number)]
"""


def in_call(body: str, before: str = "") -> str:
    """An answer that does this when a test calls it."""
    return f"{before}\ndef share(part, whole):\n" + "".join(f"    {line}\n" for line in body.splitlines())


def at_once(body: str) -> str:
    """A wrong answer that does this when its cell runs."""
    return f"{WRONG['share']}\n{body}\n"


def slow(source: str, **more) -> Case:
    return Case(source, seconds=SECONDS, **more)


CASES = {
    # Time
    "a loop without end in the cell": slow(at_once("while True:\n    pass"), fails="NameError"),
    "a loop without end in a call": slow(in_call("while True:\n    pass"), fails="TimeoutError"),
    "sleep": slow(in_call("import time\ntime.sleep(1000)"), fails="TimeoutError"),
    "sleep that no signal ends": slow(
        in_call(
            """
import signal, time
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda *args: None)
while True:
    try:
        time.sleep(1000)
    except BaseException:
        pass
"""
        ),
        fails="TimeoutError",
    ),
    "a loop in C that never lets go of the interpreter": slow(in_call("return sum(range(10**15))"), fails="Timeout"),
    "a power that takes all day": slow(in_call("return 7 ** (10**9)"), fails="Timeout"),
    "a regular expression that tries everything": slow(
        in_call("import re\nreturn re.match('(a+)+$', 'a' * 64 + 'b')"), fails="TimeoutError"
    ),
    "processor time": Case(
        in_call("while True:\n    pass"), limits=Limits(cpu_seconds=1), fails="used all the processor time"
    ),
    "processor time, with the signal for it ignored": Case(
        in_call("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True:\n    pass"),
        limits=Limits(cpu_seconds=1),
        fails="used all the processor time",
    ),
    "wall time of the whole": Case(
        in_call("import time\ntime.sleep(1000)"), limits=Limits(wall_seconds=2), fails="ran for longer than it may"
    ),
    "waiting for a keyboard": Case(in_call("return input('How many? ')"), fails="EOFError"),
    "waiting for a debugger": Case(in_call("breakpoint()\nreturn 0"), fails="BdbQuit"),
    "a coroutine that never ends": slow(at_once("import asyncio\nawait asyncio.sleep(1000)"), fails="NameError"),
    "a program that never ends": slow(
        at_once("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])"), fails="NameError"
    ),
    "a callback without end": slow(
        "def apply_rule(rule, ages):\n    while True:\n        rule(1)\n", question="apply-rule", fails="TimeoutError"
    ),
    "a lock that is never let go": slow(
        in_call("import threading\nlock = threading.Lock()\nwith lock:\n    lock.acquire()"), fails="TimeoutError"
    ),
    "an alarm that ends the process": Case(
        in_call("import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(1000)"),
        fails="SystemError",
    ),
    "an answer that ends its process when it runs again": slow(
        in_call("time.sleep(1000)", "import os, time\nif time.time() > @soon@:\n    os._exit(0)"), fails="Error"
    ),
    # Processes and threads
    "a fork bomb": slow(
        in_call("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"),
        ruins=True,
        fails="TimeoutError",
    ),
    "a fork bomb whose children sleep": Case(
        at_once(
            "import os, time\nmade = 0\ntry:\n    while os.fork():\n        made += 1\n    time.sleep(1000)\n"
            "except OSError:\n    print('made', made)"
        ),
        says="made 31",
    ),
    "children that answer too": slow(
        in_call("import os\nreturn os.fork() and 0.1"),
        ruins=True,
    ),
    "threads": Case(
        at_once(
            "import threading, time\ntry:\n    for made in range(10**6):\n"
            "        threading.Thread(target=time.sleep, args=(1000,)).start()\n"
            "except RuntimeError:\n    print('made', made < 32)"
        ),
        says="made True",
    ),
    "a pool of processes that nobody closes": Case(
        at_once(
            "import multiprocessing\npool = multiprocessing.get_context('fork').Pool(4)\nprint(pool.map(abs, range(3)))"
        ),
        says="[0, 1, 2]",
    ),
    "workers of a library": Case(
        at_once(
            "import concurrent.futures\npool = concurrent.futures.ThreadPoolExecutor(500)\n"
            "try:\n    [pool.submit(print) for _ in range(10**4)]\nexcept RuntimeError:\n    print('limited')"
        ),
    ),
    # Memory
    "an array that fits nowhere": Case(in_call("return np.ones(10**12)"), fails="emory"),
    "bytes that double": Case(in_call("held = b'x'\nwhile True:\n    held += held"), limits=SMALL, fails="emory"),
    "a text that fits nowhere": Case(in_call("return 'x' * 10**12"), fails="emory"),
    "a list without end": Case(
        in_call("held = []\nwhile True:\n    held.append([0] * 1000)"), limits=SMALL, fails="Memory"
    ),
    "memory of many processes": Case(
        in_call(
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
            "        held = bytearray(os.urandom(1)) * (60 * 2**20)\n"
            "        time.sleep(1000)\ntime.sleep(1000)"
        ),
        limits=SMALL,
        fails="used more memory",
    ),
    "MemoryError caught, again and again": slow(
        in_call(
            "while True:\n    try:\n        held = [bytearray(2**26) for _ in range(100)]\n"
            "    except MemoryError:\n        pass"
        ),
        limits=SMALL,
        fails="TimeoutError",
    ),
    # Disk and descriptors
    "a full disk": Case(
        at_once(
            "import errno\ntry:\n    for n in range(100):\n        open(f'{n}', 'wb').write(bytes(2**24))\n"
            "except OSError as error:\n    print(errno.errorcode[error.errno])"
        ),
        says="ENOSPC",
    ),
    "a file that is too long": Case(
        at_once(
            "import errno\ntry:\n    open('long', 'wb').truncate(2**40)\nexcept OSError as error:\n"
            "    print(errno.errorcode[error.errno])"
        ),
        says="EFBIG",
    ),
    "all names that a disk has": Case(
        at_once(
            "import errno, os\ntry:\n    for n in range(10**6):\n        os.close(os.open(f'/tmp/{n}', os.O_CREAT))\n"
            "except OSError as error:\n    print(errno.errorcode[error.errno])"
        ),
        says="ENOSPC",
    ),
    "folders in folders": Case(
        at_once("import os\nfor n in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nprint('deep')"), says="deep"
    ),
    "all descriptors": Case(
        at_once(
            "import errno, os\nheld = []\ntry:\n    while True:\n"
            "        held.append(os.open('/dev/null', os.O_RDONLY))\n"
            "except OSError as error:\n    print(errno.errorcode[error.errno])"
        ),
        says="EMFILE",
    ),
    # Output
    "a flood on stdout": slow(in_call("while True:\n    print('x' * 1000)"), fails="TimeoutError"),
    "a flood on stderr": Case(  # it ends where memory does, long before its time
        at_once("import sys\nwhile True:\n    sys.stderr.write('x' * 10**6)"), fails="AssertionError"
    ),
    "a flood on the descriptor": Case(
        at_once("import os\nfor _ in range(2000):\n    os.write(1, b'x' * 10**6)\nprint('written')"), says="written"
    ),
    "one line of a gigabyte": Case(at_once("print('x' * 5 * 10**8)\nprint('more')"), says="x" * 1000),
    "twenty thousand displays": Case(
        at_once("for number in range(2 * 10**4):\n    display(number)\nopen('shown', 'w')"), fails="AssertionError"
    ),
    "a value whose text fills pages": Case(WRONG["share"] + "'x' * 10**8", fails="AssertionError"),
    "warnings without number": Case(
        at_once(
            "import warnings\nwarnings.simplefilter('always')\n"
            "for number in range(2 * 10**4):\n    warnings.warn('w' * 1000)"
        ),
        fails="AssertionError",
    ),
    "letters that no page can hold": Case(
        at_once("print('\\0\\x1b[31m\\ud800\\x07', 'seen')"),
        says="seen",
    ),
    "a page of script": Case(
        at_once(
            "from IPython.display import HTML, Javascript, display\n"
            "display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))\nprint('displayed')"
        ),
        says="displayed",
    ),
    "big figures": Case(
        at_once(
            "import matplotlib.pyplot as plt\nfor _ in range(10):\n"
            "    plt.figure(figsize=(12, 12)).add_subplot().plot([1, 2])"
        ),
        fails="AssertionError",
    ),
    "a figure larger than any": Case(
        at_once("import matplotlib.pyplot as plt\nplt.figure(figsize=(10**4, 10**4)).add_subplot().plot([1, 2])"),
        limits=SMALL,
        seconds=10,
    ),
    # Values
    "a value of half a gigabyte": Case(in_call("return bytes(5 * 10**8)"), fails="TypeError: Only numbers"),
    "a table of a thousand million rows in no memory": Case(
        in_call("return np.broadcast_to(np.float64(0), (10**5, 10**5))"), fails="TypeError: Only numbers"
    ),
    "a number of a million digits": Case(in_call("return 10 ** 10**6"), fails="OverflowError"),
    "a range to the end of the world": Case(
        "def apply_rule(rule, ages):\n    return range(10**30)\n", question="apply-rule", fails="AssertionError"
    ),
    "an index of all rows": Case(
        "def by_ward(visits):\n    return pd.DataFrame({'ward': 1}, index=pd.RangeIndex(10**7))\n",
        question="by-ward",
        fails="too large to be marked",
    ),
    "a list that contains itself": Case(in_call("held = []\nheld.append(held)\nreturn held"), fails="contains itself"),
    "a list a hundred thousand deep": Case(
        in_call("held = []\nfor _ in range(10**5):\n    held = [held]\nreturn held"), fails="too deep"
    ),
    "a dict whose keys all collide": Case(
        "def summary(text):\n    return {n * (2**61 - 1): 0 for n in range(10**4)}\n",
        question="summary",
        seconds=10,
        fails="SystemError",
    ),
    "ten thousand columns": Case(
        "def by_ward(visits):\n    return pd.DataFrame(np.zeros((1, 10**4)))\n", question="by-ward", fails="The columns"
    ),
    "a Decimal with an exponent without end": Case(
        in_call("import decimal\nreturn decimal.Decimal('1e999999999999')"), fails="Decimal"
    ),
    "an array of no rows and all columns": Case(in_call("return np.zeros((0, 2**60))"), fails="too big"),
    "a huge value handed back to a test's function": Case(
        "def apply_rule(rule, ages):\n    return [rule(bytes(6 * 10**7)), rule(list(range(10**6)))]\n",
        question="apply-rule",
        fails="TypeError: '>'",
    ),
    # Recursion
    "recursion": Case("def share(part, whole):\n    return share(part, whole)\n", fails="RecursionError"),
    "recursion past the end of the stack": Case(
        "import sys\nsys.setrecursionlimit(10**9)\nclass Deep:\n    __repr__ = lambda self: repr([self])\n"
        + in_call("held = []\nfor _ in range(10**6):\n    held = [held]\nreturn repr(held)"),
        fails="SystemError",
    ),
    "brackets in brackets": Case(at_once("(" * 5000 + ")" * 5000), fails="NameError"),
    "an expression a hundred thousand long": Case(at_once("value = " + "+".join("1" * 50_000)), fails="NameError"),
    # Errors
    "an error with a message of a hundred megabytes": Case(
        in_call("raise ValueError('x' * 10**8)"), fails="ValueError: x"
    ),
    "an error whose text takes for ever": slow(
        in_call("raise Odd", "class Odd(Exception):\n    def __str__(self):\n        while True:\n            pass\n"),
        fails="TimeoutError",
    ),
    "a value whose text takes for ever": slow(
        "class Odd:\n    def __repr__(self):\n        while True:\n            pass\n" + WRONG["share"] + "Odd()",
        fails="NameError",
    ),
    "an error that is its own cause": Case(
        in_call("error = ValueError('round')\nerror.__cause__ = error.__context__ = error\nraise error"), fails="round"
    ),
    "an error named by a class that hangs": slow(
        in_call(
            "raise Odd",
            "class Meta(type):\n    @property\n    def __name__(cls):\n        while True:\n            pass\n"
            "class Odd(Exception, metaclass=Meta):\n    pass\n",
        ),
        fails="TimeoutError",
    ),
    "an error that came through ten thousand lines": Case(
        in_call(
            "import sys\nsys.setrecursionlimit(20_000)\ndef down(n):\n"
            "    return down(n - 1) if n else 1 / 0\nreturn down(9000)"
        ),
        fails="ZeroDivisionError",
    ),
    # Ends
    "a hang at exit": Case(
        at_once(
            "import atexit, threading, time, weakref\natexit.register(time.sleep, 1000)\n"
            "class Last:\n    __del__ = lambda self: time.sleep(1000)\nlast = Last()\n"
            "threading.Thread(target=time.sleep, args=(1000,)).start()\nweakref.finalize(last, time.sleep, 1000)"
        ),
        fails="AssertionError",
    ),
    "exit without a word": Case(in_call("import os\nos._exit(0)"), fails="SystemError"),
    "a first thread that leaves the others behind": slow(
        in_call(
            "import ctypes, platform, threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
            "ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)"
        ),
        fails="TimeoutError",
    ),
    "abort": Case(in_call("import os\nos.abort()"), fails="SystemError"),
    "a memory fault": Case(in_call("import ctypes\nctypes.string_at(0)"), fails="SystemError"),
    "a memory fault in the cell": Case(at_once("import ctypes\nctypes.string_at(0)"), fails="NameError"),
    "a signal to itself that kills": Case(in_call("import os\nos.kill(os.getpid(), 9)"), fails="SystemError"),
    "a signal to itself that stops": slow(in_call("import os\nos.kill(os.getpid(), 19)"), fails="TimeoutError"),
    "a signal to all that stops": slow(in_call("import os\nos.kill(0, 19)"), fails="TimeoutError"),
    # The socket
    "close all": Case(in_call("import os\nos.closerange(0, 64)\nreturn 0"), fails="SystemError"),
    "close the socket in the cell": Case(at_once("import os\nos.closerange(3, 64)"), fails="NameError"),
    "shut the socket for writing": Case(
        in_call("socket.socket(fileno=os.dup(END)).shutdown(socket.SHUT_WR)\nreturn 0", SOCKET), fails="SystemError"
    ),
    "nothing in place of the socket": slow(
        in_call("os.dup2(os.open('/dev/null', os.O_RDWR), END)\nreturn 0", SOCKET), fails="SystemError"
    ),
    "a reply in drips": slow(
        in_call(
            "os.write(END, struct.pack('>I', 1000))\nwhile True:\n    os.write(END, b'x')\n    time.sleep(0.05)", SOCKET
        ),
        fails="TimeoutError",
    ),
    "half a reply": slow(in_call("os.write(END, b'\\0')\ntime.sleep(1000)", SOCKET), fails="TimeoutError"),
    "a reply without end": slow(
        in_call("os.write(END, b'\\xff' * 4)\nwhile True:\n    os.write(END, bytes(2**20))", SOCKET),
        fails="SystemError",
    ),
    "empty replies without end": slow(
        in_call("while True:\n    os.write(END, bytes(4 * 2**16))", SOCKET), fails="SystemError"
    ),
    "a reply that takes for ever to read": slow(
        in_call(
            "os.write(END, struct.pack('>I', 6 * 10**7) + b'P1' + b'l' * 100)\n"
            "while True:\n    os.write(END, b'N' * 2**20)",
            SOCKET,
        ),
        ruins=True,
        fails="SystemError",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_answer_that_takes_all_costs_its_own_question_only(trial, name):
    case = CASES[name]
    soon = time.time() + SECONDS / 2
    trial.try_case(Case(**vars(case) | {"source": case.source.replace("@soon@", str(soon))}))


def test_answers_that_all_take_for_ever_are_given_up_one_by_one(trial):
    """Does a notebook of loops end, in the time that its cells have together?"""
    loops = {
        name: source.replace("return", "while True: pass\n    return") if "def" in source else source
        for name, source in WRONG.items()
    }
    twin = {**dict.fromkeys(WRONG, 0), "advice": None}
    result = trial.attack(answered(loops), twin, False, None, 0.7)
    assert [mark.failure.split(":")[0] for mark in result.marks if mark.failure] == [
        "TimeoutError", "AssertionError", *["TimeoutError"] * 4
    ]  # fmt: skip
    assert FULL.keys() == twin.keys()
