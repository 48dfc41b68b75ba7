#!/bin/sh
# make builds a library in C and a program in C++ that pkg-config tells the flags for; the program runs.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

cat >half.c <<'C'
int half(int n) { return n / 2; }
C
cat >main.cc <<'C'
#include <iostream>
#include <vector>
extern "C" int half(int);
int main() { std::vector<int> v{84}; std::cout << LABEL << half(v[0]) << std::endl; }
C
cat >half.pc <<PC
Name: half
Description: for this test
Version: 1.2
Cflags: -DLABEL="\\"answer \\""
Libs: -L$work -lhalf
PC
cat >Makefile <<'MAKE'
program: main.cc libhalf.a
	$(CXX) -Wall -Werror -O2 -o $@ main.cc $(shell pkg-config --cflags --libs half)
libhalf.a: half.o
	$(AR) rcs $@ $^
MAKE
output=$(PKG_CONFIG_PATH=. make 2>&1) || fail "$output"
PKG_CONFIG_PATH=. pkg-config --atleast-version=1.2 half || fail "pkg-config does not know the version"
file program | grep -q 'ELF .* dynamically linked' || fail "not a program: $(file program)"
# A read-only container has only noexec directories to write to.
if findmnt --noheadings --output OPTIONS --target . | grep -qw noexec; then
    echo "built but not run: $work is mounted noexec"
    exit 0
fi
[ "$(./program)" = 'answer 42' ] || fail "the program says '$(./program 2>&1)'"
