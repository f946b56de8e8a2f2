#include "admin/survey.h"

namespace culvert {

WorkerFacts Survey::total() const {
  WorkerFacts sum;
  for (const WorkerFacts& worker : workers) sum += worker;
  return sum;
}

}  // namespace culvert
