#!/bin/sh
trap 'exit 0' TERM INT
while true; do
  if notes=$(wget -q -O - "$API_URL/cgi-bin/notes"); then
    echo "worker: $(printf '%s\n' "$notes" | wc -l) notes"
  else
    echo "worker: the API at $API_URL does not answer"
  fi
  sleep "${EVERY_SECONDS:-5}" & wait $!
done
