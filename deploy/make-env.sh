#!/usr/bin/env bash
# Writes deploy/.env with random passwords, readable by its owner only; an existing one is left alone.
set -euo pipefail
cd "$(dirname "$0")"

if [ -e .env ]; then
  echo "deploy/.env is there already"
  exit 0
fi

random() { head -c "$1" /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

umask 077
while IFS= read -r line; do
  case $line in
    KAFKA_CLUSTER_ID=) echo "KAFKA_CLUSTER_ID=$(random 16)" ;;
    *_PASSWORD=) echo "$line$(random 24)" ;;
    *) echo "$line" ;;
  esac
done < env.example > .env
echo "deploy/.env was written"
