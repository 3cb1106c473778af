#!/bin/sh
# What Steam executes to start a game in the runtime beside this script.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
verb=waitforexitandrun
while [ $# -gt 0 ]; do
    case "$1" in
        --verb=*) verb=${1#*=} ;;
        --verb) verb=$2; shift ;;
        --deploy=* | --suite=*) ;;
        --deploy | --suite) shift ;;
        --) shift; break ;;
        -*) echo "$0: unknown option $1" >&2; exit 125 ;;
        *) break ;;
    esac
    shift
done
if [ $# -eq 0 ]; then
    echo "$0: no command" >&2
    exit 125
fi
if [ "$verb" = run ]; then
    export PRESSURE_VESSEL_BATCH=1
fi
if [ -n "${LD_LIBRARY_PATH-}" ]; then
    export PRESSURE_VESSEL_APP_LD_LIBRARY_PATH="$LD_LIBRARY_PATH"
fi
set -- container-runtime "$@"
set -- "${PRESSURE_VESSEL_PREFIX:-$here/pressure-vessel}/bin/steam-runtime-launcher-interface-0" "$@"
set -- -- "$@"
if [ -n "${LD_PRELOAD-}" ]; then
    set -- --ld-preloads="$LD_PRELOAD" --env-if-host=LD_PRELOAD="$LD_PRELOAD" "$@"
fi
unset LD_LIBRARY_PATH LD_PRELOAD STEAM_RUNTIME
exec "$here/run" "$@"
