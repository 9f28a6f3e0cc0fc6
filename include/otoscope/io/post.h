#pragma once
/// One question to a server by `curl`, whose answer is not trusted: its size and its time are
/// limited, redirections are not followed, and a key stands in a file that only we can read, never
/// on a command line.

#include <cstdint>
#include <string>

namespace otoscope::io {

struct PostOptions {
  std::string key;  // sent as a bearer token; empty: none
  double timeout_s = 120;
  int64_t most_bytes = int64_t{1} << 20;
  int retries = 2;  // where the server is busy or fails for the moment (curl's --retry)
};

/// POSTs `body` as JSON and returns what comes back. UserError [url]: no http(s) address, nobody
/// there, a status other than 2xx, an answer that is too long or too late; it carries no key.
std::string post_json(const std::string& url, const std::string& body,
                      const PostOptions& options = {});

}  // namespace otoscope::io
