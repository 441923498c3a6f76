#!/bin/bash -eu
exec "$SRC/entryproof/fuzz/build.sh"
