#!/usr/bin/env bash
# The docs name only what exists: links between pages, and files of the project in back quotes.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
complain() { echo "$1: names $2, which does not exist"; bad=1; }
for page in README.md CONTRIBUTING.md CHANGELOG.md docs/*.md; do
  folder=$(dirname "$page")
  while read -r link; do
    case $link in http*|\#*) continue ;; esac
    [ -e "$folder/${link%%#*}" ] || complain "$page" "$link"
  done < <(grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//')
  while read -r file; do
    case $(basename "$file") in x.*|load_x.*) continue ;; esac  # a name to be filled in
    [ -e "$file" ] || complain "$page" "$file"
  done < <(grep -oE '`(src|include|tests|benchmarks|docs|cmake)/[A-Za-z0-9_./-]+`' "$page" | tr -d '`')
done
[ "$bad" = 0 ] && echo "docs: clean"
exit "$bad"
