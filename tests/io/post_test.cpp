#include "otoscope/io/post.h"

#include <doctest/doctest.h>

#include "otoscope/core/errors.h"
#include "support/errors.h"
#include "support/http_server.h"

namespace otoscope::io {
namespace {

using otoscope::testing::http_answer;
using otoscope::testing::HttpRequest;
using otoscope::testing::HttpServer;

PostOptions once() {
  PostOptions options;
  options.retries = 0, options.timeout_s = 20;
  return options;
}

std::string refusal(const std::string& url, const PostOptions& options) {
  try {
    post_json(url, "{}", options);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a question goes there and its answer comes back, byte by byte") {
  HttpRequest seen;
  const HttpServer server([&](const HttpRequest& request) {
    seen = request;
    return http_answer(std::string("{\"x\": \"é\\n\"}") + '\0' + "end");
  });
  PostOptions options = once();
  options.key = "se\"cr\\et";
  const std::string body = "{\"q\": \"@file, \\\"quoted\\\" and é\"}";
  CHECK(post_json(server.address() + "/v1/chat", body, options) ==
        std::string("{\"x\": \"é\\n\"}") + '\0' + "end");
  CHECK(seen.path == "/v1/chat");
  CHECK(seen.body == body);
  CHECK(seen.head.find("Authorization: Bearer se\"cr\\et") != std::string::npos);
  CHECK(seen.head.find("Content-Type: application/json") != std::string::npos);
  post_json(server.address(), body, once());
  CHECK(seen.head.find("Authorization") == std::string::npos);
}

TEST_CASE("what does not answer well is one line, without the key") {
  PostOptions options = once();
  options.key = "secret";
  SUBCASE("a refusal") {
    const HttpServer server(
        [](const HttpRequest&) { return http_answer("{\"error\": 1}", "401 Unauthorized"); });
    const std::string said = refusal(server.address(), options);
    CHECK(said.find("401") != std::string::npos);
    CHECK(said.find("secret") == std::string::npos);
    CHECK(said.find('\n') == std::string::npos);
  }
  SUBCASE("a server that hangs up") {
    const HttpServer server([](const HttpRequest&) { return ""; });
    CHECK(!refusal(server.address(), options).empty());
  }
  SUBCASE("an answer without end") {
    const HttpServer server(
        [](const HttpRequest&) { return "HTTP/1.1 200 OK\r\n\r\n" + std::string(3 << 20, 'x'); });
    options.most_bytes = 1 << 20;
    CHECK(refusal(server.address(), options).find("at most 1") != std::string::npos);
  }
  SUBCASE("an answer too late") {
    options.timeout_s = 0.3;
    const HttpServer server([](const HttpRequest&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(900));
      return http_answer("{}");
    });
    CHECK(refusal(server.address(), options).find("timed out") != std::string::npos);
  }
  SUBCASE("nobody there") {
    std::string address;
    {
      const HttpServer gone([](const HttpRequest&) { return ""; });
      address = gone.address();
    }
    CHECK(!refusal(address, options).empty());
  }
  SUBCASE("a redirect is not followed") {
    const HttpServer server([](const HttpRequest&) {
      return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
             "0\r\nConnection: close\r\n\r\n";
    });
    CHECK(post_json(server.address(), "{}", options).empty());
    CHECK(server.requests() == 1);
  }
  SUBCASE("no address") {
    for (const char* url : {"file:///etc/passwd", "ftp://x", "", "http://x\nheader = \"A: b\""})
      CHECK_MESSAGE(!refusal(url, options).empty(), url);
    options.key = "two\nlines";
    CHECK(!refusal("http://127.0.0.1:1", options).empty());
  }
}

TEST_CASE("a server that is busy for the moment is asked again") {
  int asked = 0;
  const HttpServer server([&](const HttpRequest&) {
    return ++asked == 1 ? http_answer("", "503 Service Unavailable") : http_answer("{}");
  });
  PostOptions options = once();
  options.retries = 1;
  CHECK(post_json(server.address(), "{}", options) == "{}");
  CHECK(asked == 2);
}

}  // namespace otoscope::io
