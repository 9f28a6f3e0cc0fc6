#include <doctest/doctest.h>

#include <set>

#include "model/nano.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

TEST_CASE("every site's name finds it again, and no two share one") {
  std::set<std::string> names;
  for (const Site& site : all_sites(nano().dims())) {
    CHECK(find_site(nano().dims(), site_name(site)) == site);
    CHECK(names.insert(site_name(site)).second);
  }
  CHECK(names.size() == 4 + 2 * 17 + 2 + 1 + 2 * 27 + 3);
}

TEST_CASE("other spellings lead to the same sites") {
  const auto found = [](const char* name) { return site_name(find_site(nano().dims(), name)); };
  CHECK(found("encoder.blocks.1.hook_mlp_out") == "encoder.blocks.1.mlp_out");
  CHECK(found("encoder.1.hook_resid_post") == "encoder.blocks.1.resid_post");
  CHECK(found("decoder.blocks.0.attn.hook_pattern") == "decoder.blocks.0.attn_pattern");
  CHECK(found("decoder.blocks.0.cross_attn.hook_q") == "decoder.blocks.0.cross_q");
  CHECK(found("encoder.blocks.0.ln1.hook_scale") == "encoder.blocks.0.ln1.scale");
  CHECK(found("model.encoder.layers.1") == "encoder.blocks.1.resid_post");
  CHECK(found("encoder.blocks.1") == "encoder.blocks.1.resid_post");
  CHECK(found("model.decoder.layers.1.encoder_attn.k_proj") == "decoder.blocks.1.cross_k");
  CHECK(found("model.encoder.layers.0.fc1") == "encoder.blocks.0.mlp_pre");
  CHECK(found("decoder.blocks.1.attn_ln") == "decoder.blocks.1.ln1");
  CHECK(found("encoder.ln_post") == "encoder.out");
  CHECK(found("proj_out") == "logits");
}

TEST_CASE("an unknown site is an error with the nearest names") {
  const auto message = [](const char* name) {
    return error_of([&] { find_site(nano().dims(), name); });
  };
  CHECK(message("encoder.blocks.1.mlp_ot").find("encoder.blocks.1.mlp_out") != std::string::npos);
  CHECK(message("encoder.blocks.7.mlp_out").starts_with("[site encoder.blocks.7.mlp_out]"));
  CHECK(message("encoder.blocks.0.cross_q").starts_with("[site"));
  CHECK(message("").starts_with("[site"));
  CHECK(message("encoder.blocks.99999999999999999999.q").starts_with("[site"));
}

TEST_CASE("row sites are those with one row a position") {
  const Dims dims;
  CHECK(is_row_site(find_site(dims, "encoder.blocks.3.resid_post")));
  CHECK(is_row_site(find_site(dims, "logits")));
  CHECK(!is_row_site(find_site(dims, "encoder.blocks.3.ln1.scale")));
  CHECK(!is_row_site(find_site(dims, "encoder.blocks.3.q")));
  CHECK(site_width(dims, find_site(dims, "encoder.blocks.3.mlp_post")) == 2048);
  CHECK(site_width(dims, find_site(dims, "encoder.mel")) == 80);
  CHECK(site_positions(dims, find_site(dims, "encoder.conv1")) == 3000);
  CHECK(site_positions(dims, find_site(dims, "encoder.out")) == 1500);
}
