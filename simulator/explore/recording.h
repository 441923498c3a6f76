// Recording: what happened in a case, kept whole for those who take it apart afterwards.
//
// A recorded world is the world itself, with somebody who remembers: each start of the build with the node that it began on, each moment at
// which the build had said, by resting or by ending with status 0, that everything was in place, and at the end the whole journal. The
// player of the case notices nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/runner/case.h"
#include "simulator/runner/site.h"
#include "simulator/runner/world.h"

namespace entryproof::explore {

// The build said that everything is in place: what it had done by then, and what that looked like.
struct Acknowledged {
  std::uint64_t after = 0;  // the last entry of the journal
  node::Tree tree;
};

// One start of the build under test.
struct RecordedLife {
  runner::Start start;
  node::Tree before;                 // the node that it was started on
  std::uint64_t since = 0;           // the last entry of the journal before it
  std::uint64_t until = UINT64_MAX;  // where the power went; what comes after is no consequence of it
  std::vector<Acknowledged> acknowledged = {};
  node::Tree after = {};  // the node at its end, which is the next start, a power cut or the end of the case
};

struct Recording {
  runner::Site site;
  std::uint64_t seed = 1;
  std::vector<RecordedLife> lives;
  std::vector<node::Operation> journal;  // of the whole case
  std::string obstacle;                  // why the journal could not be had; empty: it is there

  // The operations of one life: from its start to the next one.
  std::vector<node::Operation> operations_of(std::size_t life) const;
};

// Worlds as `make` makes them, remembered in `recording`, which must outlive them; one world at a time.
runner::WorldMaker recorded(runner::WorldMaker make, Recording& recording);

}  // namespace entryproof::explore
