#!/bin/sh
# Starts a command in the runtime beside this script.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PRESSURE_VESSEL_COPY_RUNTIME=1
PRESSURE_VESSEL_RUNTIME=@RUNTIME@
PRESSURE_VESSEL_RUNTIME_BASE=$here
export PRESSURE_VESSEL_COPY_RUNTIME PRESSURE_VESSEL_RUNTIME PRESSURE_VESSEL_RUNTIME_BASE
variable=${PRESSURE_VESSEL_VARIABLE_DIR:-$here/var}
unset PRESSURE_VESSEL_RUNTIME_ARCHIVE PRESSURE_VESSEL_VARIABLE_DIR
tree=${PRESSURE_VESSEL_PREFIX:-$here/pressure-vessel}
exec "$tree/bin/pressure-vessel-unruntime" --variable-dir="$variable" "$@"
