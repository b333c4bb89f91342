#!/bin/sh
# Reads one JSON object a line and writes one a line, in the same order: is the answer polite?
while IFS= read -r line; do
  id=${line#*\"id\":}
  id=${id%%,*}
  answer=${line#*\"answer\":}
  answer=${answer%%,\"targets\":*}
  case $answer in
    *[Pp]lease* | *[Tt]hank\ you*) echo "{\"id\": $id, \"score\": true}" ;;
    *) echo "{\"id\": $id, \"score\": false, \"reason\": \"neither please nor thank you\"}" ;;
  esac
done
