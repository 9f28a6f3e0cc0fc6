#!/usr/bin/env bash
# Objects built for one instruction set may hold no weak symbol outside that set's own namespace: the linker keeps one
# copy of each inline function for everybody, and an AVX-512 copy of a std:: template ends older CPUs.
#   weak_symbols.sh OBJECT…       the names end in _avx2.cpp.o, _avx512.cpp.o or _amx.cpp.o
set -euo pipefail
[ $# -gt 0 ] || { echo "no objects given"; exit 1; }
bad=0
for object in "$@"; do
  case $object in
    *_avx2.cpp.o) level=avx2 ;;
    *_avx512.cpp.o) level=avx512 ;;
    *_amx.cpp.o) level=amx ;;
    *) echo "$object: not a per-ISA object"; exit 1 ;;
  esac
  symbols=$(nm --demangle "$object")
  [ -n "$symbols" ] || { echo "$object: no symbols"; exit 1; }
  # Types: W V weak, u unique, C common.
  weak=$(grep -E '^[0-9a-f]* *[WVwvuC] ' <<<"$symbols" | grep -vE "otoscope::([a-z_]+::)*$level::" || true)
  # A strong definition outside the namespace would clash or leak just as well.
  strong=$(grep -E '^[0-9a-f]* *[TDBR] ' <<<"$symbols" | grep -vE "otoscope::([a-z_]+::)*$level::" || true)
  if [ -n "$weak$strong" ]; then
    echo "$object: symbols outside its namespace $level:"
    echo "$weak$strong"
    bad=1
  fi
done
exit $bad
