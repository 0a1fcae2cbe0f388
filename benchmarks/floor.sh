#!/bin/sh
# The floor for a shim: walk up, read one validated word, become the program; nothing that makes it a product.
# FLOOR names a directory with versions/<word>/bin/<program>.
d=$PWD v=
while :; do
  if [ -f "$d/.python-version" ]; then
    read -r v <"$d/.python-version"
    break
  fi
  [ "$d" ] || break
  d=${d%/*}
done
case $v in '' | *[!A-Za-z0-9._+-]* | *..*) exit 2 ;; esac
exec "${FLOOR:?}/versions/$v/bin/${0##*/}" "$@"
