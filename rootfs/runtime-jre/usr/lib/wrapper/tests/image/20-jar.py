#!/usr/bin/python3
"""java runs a jar: a program of one class that greets the one named in its first argument.

Class and jar are written here, byte by byte, into memory: no compiler and no writable directory is needed. The class is
what javac makes of

    public class Greeter {
        public static void main(String[] arguments) {
            System.out.println("hello ".concat(arguments[0]));
        }
    }
"""
import io
import os
import struct
import subprocess
import sys
import zipfile


def class_file():
    """A class file of version 52 (Java 8), which every later Java runs."""
    pool = []

    def add(tag, content):
        pool.append(bytes([tag]) + content)
        return len(pool)

    def utf8(text): return add(1, struct.pack(">H", len(text)) + text.encode())
    def klass(name): return add(7, struct.pack(">H", utf8(name)))
    def member(tag, owner, name, kind):
        return add(tag, struct.pack(">HH", klass(owner), add(12, struct.pack(">HH", utf8(name), utf8(kind)))))

    this, parent = klass("Greeter"), klass("java/lang/Object")
    out = member(9, "java/lang/System", "out", "Ljava/io/PrintStream;")
    greeting = add(8, struct.pack(">H", utf8("hello ")))
    concat = member(10, "java/lang/String", "concat", "(Ljava/lang/String;)Ljava/lang/String;")
    println = member(10, "java/io/PrintStream", "println", "(Ljava/lang/String;)V")
    name, kind, code = utf8("main"), utf8("([Ljava/lang/String;)V"), utf8("Code")
    # getstatic out, ldc greeting, aload_0, iconst_0, aaload, invokevirtual concat, invokevirtual println, return
    steps = (b"\xb2" + struct.pack(">H", out) + b"\x12" + bytes([greeting]) + b"\x2a\x03\x32"
             + b"\xb6" + struct.pack(">H", concat) + b"\xb6" + struct.pack(">H", println) + b"\xb1")
    body = struct.pack(">HHI", 4, 1, len(steps)) + steps + struct.pack(">HH", 0, 0)
    method = struct.pack(">HHHH", 9, name, kind, 1) + struct.pack(">HI", code, len(body)) + body
    return (struct.pack(">IHHH", 0xCAFEBABE, 0, 52, len(pool) + 1) + b"".join(pool)
            + struct.pack(">HHHHHH", 0x21, this, parent, 0, 0, 1) + method + struct.pack(">H", 0))


jar = io.BytesIO()
with zipfile.ZipFile(jar, "w") as archive:
    archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nMain-Class: Greeter\r\n\r\n")
    archive.writestr("Greeter.class", class_file())
file = os.memfd_create("greeter.jar", 0)
os.write(file, jar.getvalue())

answer = subprocess.run(["java", "-jar", f"/proc/self/fd/{file}", "world"], pass_fds=[file], capture_output=True, text=True)
if answer.returncode != 0 or answer.stdout != "hello world\n":
    sys.exit(f"java ended with {answer.returncode}, said {answer.stdout!r} and {answer.stderr!r}")
