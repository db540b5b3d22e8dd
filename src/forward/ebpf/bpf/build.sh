#!/bin/sh
# Compiles the forwarding core, and the decapsulator for real servers. clang 14 needs -mcpu=v3 for atomics whose result is
# used (kernel 5.12 and later).
set -e
cd "$(dirname "$0")"
for program in tanist decapsulate; do
    clang -O2 -g -Wall -Werror -target bpf -mcpu=v3 "-I/usr/include/$(uname -m)-linux-gnu" -c $program.bpf.c -o $program.bpf.o
done
