#pragma once
/// A table whose every cell is bound to a JSON document: rows are pointers, columns are what lies
/// below them.

#include <span>
#include <string>
#include <vector>

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

struct BoundColumn {
  std::string head;
  std::string pointer;  // below the row's; an estimate or a number
  std::string format;
  std::string meaning;  // shown when the pointer rests on the head
};

struct BoundRow {
  std::string name;
  std::string pointer;
  bool control = false;
};

/// The string under a key of a finding; "" where there is none.
std::string text_at(const io::Json& json, const char* key);

/// A cell without a number is a dash.
void write_bound_table(Html& html, const Document& document, const std::string& first_head,
                       std::span<const BoundRow> rows, std::span<const BoundColumn> columns);

}  // namespace otoscope::serve
