#!/usr/bin/python3
"""The programs that take over the screen: htop, less, top, vim and watch, each in a terminal of its own.

Each must show the text that belongs there, and end at its own key.
"""
import fcntl, os, pty, select, signal, struct, sys, termios, time

# command, what it shows, keys that end it
CASES = [
    (["htop"], b"Load average", b"q"),
    (["less", "/etc/os-release"], b"trixie", b"q"),
    (["top"], b"Tasks:", b"q"),
    (["vim", "-u", "NONE", "-i", "NONE", "-n", "/etc/os-release"], b"trixie", b"\x1b:q!\r"),
    (["watch", "--no-title", "echo seen"], b"seen", b"\x03"),
]
SECONDS = 20


def show(command, text, keys):
    """Why it failed, or None."""
    child, terminal = pty.fork()
    if child == 0:
        # Before it starts: less forgets a key that comes with a change of size.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    seen, pressed, deadline = b"", False, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            break
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: the program has gone
            data = b""
        if not data:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if not pressed:
                return f"ended with {code} before {text!r} was seen: {seen!r}"
            return None if code in (0, -signal.SIGINT) else f"ended with {code}: {seen!r}"
        seen += data
        if text in seen and not pressed:
            os.write(terminal, keys)
            pressed = True
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return f"{'did not end at its key' if pressed else f'did not show {text!r}'} in {SECONDS} s: {seen!r}"


failed = False
for command, text, keys in CASES:
    reason = show(command, text, keys)
    if reason:
        print(f"{command[0]} {reason}", file=sys.stderr)
        failed = True
sys.exit(failed)
