// UPGRADE-46, as a property: whatever stands where, what is ours goes and nothing else does, and the second time there is nothing to do.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "reference/entrypoint_test_support.h"
#include "reference/kubeconfig.h"
#include "reference/uninstall.h"

namespace reference {
namespace {

enum class Thing { kNothing, kOurs, kSomebodys, kGarbage, kEmpty, kDirectory, kLink };

class Stage {
 public:
  Stage() {
    host.put("/victim", "untouched");
    host.put_directory(kNet);
    host.put_directory(kBin);
  }

  void put(const std::string& path, Thing thing, const std::string& ours, const std::string& somebodys) {
    switch (thing) {
      case Thing::kNothing:
        return;
      case Thing::kOurs:
        return host.put(path, ours);
      case Thing::kSomebodys:
        return host.put(path, somebodys);
      case Thing::kGarbage:
        return host.put(path, "{\"half of");
      case Thing::kEmpty:
        return host.put(path, "");
      case Thing::kDirectory:
        return host.put(path + "/inside", "kept");
      case Thing::kLink:
        return host.put_link(path, "/victim");
    }
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const std::string& name : host.tree("/host")) {
      if (const auto bytes = host.bytes("/host/" + name)) found["/host/" + name] = *bytes;
    }
    return found;
  }

  MemoryHost host;
};

Thing any_thing() {
  return *rc::gen::element(Thing::kNothing, Thing::kOurs, Thing::kSomebodys, Thing::kGarbage, Thing::kEmpty, Thing::kDirectory,
                           Thing::kLink);
}

RC_GTEST_PROP(Uninstall, TakesItsOwnAndNothingElse, ()) {
  Stage stage;
  const std::string generated = R"({"cniVersion":"0.3.1","name":"m","type":"multus","delegates":[)" + kFlannel + "]}";
  const std::string bridge = R"({"cniVersion":"0.3.1","name":"b","type":"bridge"})";
  const std::string kubeconfig = render_kubeconfig({.protocol = "https", .host = "h", .port = 1}, "secret-token", kPem);
  std::map<std::string, Thing> things;
  for (const std::string& path : {kConf, kList}) stage.put(path, things[path] = any_thing(), generated, bridge);
  stage.put(kKubeconfig, things[kKubeconfig] = any_thing(), kubeconfig, kubeconfig);
  stage.put(kPlugin, things[kPlugin] = any_thing(), "program", "another program");
  const bool manual = *rc::gen::arbitrary<bool>();
  const std::string copy = kNet + "/70-multus.conf";
  stage.put(copy, things[copy] = any_thing(), kManual, bridge);
  if (*rc::gen::arbitrary<bool>()) stage.host.put(kManualFile, kManual);
  std::vector<std::string> foreign{kNet + "/10-flannel.conf", kNet + "/multus.d/foreign", kNet + "/.foreign.tmp", kBin + "/bridge"};
  std::erase_if(foreign, [](const std::string&) { return *rc::gen::arbitrary<bool>(); });
  for (const std::string& path : foreign) stage.host.put(path, bridge);

  std::vector<std::string> args;
  if (manual) args.push_back("--multus-conf-file=" + kManualFile);
  const auto options = parse_options(args, {});
  RC_ASSERT(options.has_value());
  const auto before = stage.files();
  RC_ASSERT(uninstall(stage.host, *options) == kExitOk);
  const auto after = stage.files();

  // Nothing new, nothing altered, and everything of others is there.
  for (const auto& [path, bytes] : after) RC_ASSERT(before.contains(path) && before.at(path) == bytes);
  for (const std::string& path : foreign) RC_ASSERT(after.contains(path));
  for (const auto& [path, thing] : things) RC_ASSERT(thing != Thing::kDirectory || after.contains(path + "/inside"));
  RC_ASSERT(stage.host.bytes("/victim") == "untouched");
  // Ours is gone; what looked half-written, too.
  for (const auto& [path, bytes] : after) RC_ASSERT(bytes.find("secret-token") == std::string::npos);
  for (const std::string& path : {kConf, kList}) {
    const Thing thing = things[path];
    RC_ASSERT(after.contains(path) == (thing == Thing::kSomebodys));
  }
  const bool used = things[copy] == Thing::kOurs && !manual;
  RC_ASSERT(after.contains(copy) == (things[copy] == Thing::kSomebodys || (!manual && before.contains(copy))));
  if (things[kPlugin] == Thing::kOurs || things[kPlugin] == Thing::kSomebodys) RC_ASSERT(after.contains(kPlugin) == used);

  stage.host.changes.clear();
  RC_ASSERT(uninstall(stage.host, *options) == kExitOk);
  RC_ASSERT(stage.host.changes.empty());
}

}  // namespace
}  // namespace reference
