#!/usr/bin/env bash
# Topics, users and what each may do. Run once the broker answers and again after any change: it only adds, sets
# passwords to those of the environment, and can be repeated.
#
# A service writes its own topic and nothing else, reads the topics it subscribes to as its own consumer group, and
# may not make topics. Nobody but the administrator sees what is not granted here.
set -euo pipefail

: "${BROKER_ADMIN_PASSWORD:?is not set}"
KAFKA_BIN=${KAFKA_BIN:-/opt/kafka/bin}
BOOTSTRAP=${BOOTSTRAP:-kafka:9093}
PARTITIONS=${PARTITIONS:-8}
REPLICATION_FACTOR=${REPLICATION_FACTOR:-1}

# service: the services whose topics it reads (a test holds this against the subscriptions in the code)
READS=${READS:-"
ticketing: sla valuation
sla: ticketing valuation complaints
valuation: ticketing complaints billing
complaints: sla valuation
"}

# Systems outside the suite that write a topic of their own. One whose password is set gets a user who may write it.
OUTSIDE=${OUTSIDE:-billing}

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
chmod 700 "$private"

cat > "$private/admin.properties" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="$BROKER_ADMIN_PASSWORD";
PROPERTIES

admin() {
  local tool=$1
  shift
  "$KAFKA_BIN/$tool" --bootstrap-server "$BOOTSTRAP" --command-config "$private/admin.properties" "$@"
}

# The topic of a producer, its user with the password $2, and the right to write there.
producer() {
  admin kafka-topics.sh --create --if-not-exists --topic "$1.events" \
    --partitions "$PARTITIONS" --replication-factor "$REPLICATION_FACTOR"
  [ -n "$2" ] || return 0

  echo "SCRAM-SHA-512=iterations=8192,password=$2" > "$private/$1.properties"
  admin kafka-configs.sh --alter --entity-type users --entity-name "$1" --add-config-file "$private/$1.properties"
  admin kafka-acls.sh --add --allow-principal "User:$1" --operation Write --operation Describe --topic "$1.events"
}

for outside in $OUTSIDE; do
  variable="$(echo "$outside" | tr '[:lower:]' '[:upper:]')_BROKER_PASSWORD"
  producer "$outside" "${!variable:-}"
done

while IFS=': ' read -r service topics; do
  [ -n "$service" ] || continue
  variable="$(echo "$service" | tr '[:lower:]' '[:upper:]')_BROKER_PASSWORD"
  producer "$service" "${!variable:?is not set}"
  readable=()
  for other in $topics; do
    readable+=(--topic "$other.events")
  done
  # Read and Describe of these topics, Read of the group.
  admin kafka-acls.sh --add --allow-principal "User:$service" --consumer "${readable[@]}" --group "$service"
done <<< "$READS"
