#!/bin/sh
# The minimal shim: search the version file upwards, read one validated word, exec the program; no error messages, no cache.
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
