#include "model/vjp/record.h"

namespace otoscope::model {

Want Record::ask(const Site& site) {
  const Want theirs = table_.wanted(site.stack, site.point, site.block);
  const bool keep = !is_attention_matrix(site.point) || wants(theirs, Want::replace);
  return static_cast<Want>(static_cast<uint8_t>(theirs) |
                           static_cast<uint8_t>(keep ? Want::observe : Want::none));
}

void Record::replace(const Site& site, const Rows& rows, View<float> x) {
  table_.fire(site, rows, x);  // observers too: nobody edits after us
}

void Record::observe(const Site& site, const Rows& rows, View<const float> x) {
  const Want theirs = table_.wanted(site.stack, site.point, site.block);
  if (theirs == Want::observe) table_.fire(site, rows, {const_cast<float*>(x.data), x.shape});
  if (!is_attention_matrix(site.point) || wants(theirs, Want::replace))
    values_.insert_or_assign(site, Tensor<float>::copy_of(x));
}

}  // namespace otoscope::model
