#!/usr/bin/env bash
# Starts the broker; a new data volume gets the cluster's id first.
set -euo pipefail

: "${BROKER_ADMIN_PASSWORD:?is not set}"
: "${KAFKA_CLUSTER_ID:?is not set}"
KAFKA_BIN=${KAFKA_BIN:-/opt/kafka/bin}
PROPERTIES=${PROPERTIES:-/etc/careloop/server.properties}

"$KAFKA_BIN/kafka-storage.sh" format --ignore-formatted --cluster-id "$KAFKA_CLUSTER_ID" --config "$PROPERTIES"
exec "$KAFKA_BIN/kafka-server-start.sh" "$PROPERTIES"
