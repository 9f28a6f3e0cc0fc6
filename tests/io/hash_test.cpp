#include "otoscope/io/hash.h"

#include <doctest/doctest.h>

#include "support/close.h"

using namespace otoscope;

TEST_CASE("SHA-256 gives the values of FIPS 180") {
  CHECK(io::sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(io::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  io::Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.update(std::string(1000, 'a'));
  CHECK(hash.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("the hash of a file is the hash of its bytes") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "x", "abc");
  CHECK(io::sha256_file(folder.path() / "x") == io::sha256("abc"));
  io::write_file(folder.path() / "empty", "");
  CHECK(io::sha256_file(folder.path() / "empty") == io::sha256(""));
}
