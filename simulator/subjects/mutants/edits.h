// Edits: how a mutant falsifies the bytes of a file before it publishes them.
//
// Each takes the file as the reference rendered it and gives it with one defect; where there is nothing to falsify (a host name that is no
// IPv4 address, an old file that is not there) it gives it unchanged.
#pragma once

#include <string>

#include "reference/host.h"
#include "reference/options.h"

namespace entryproof::subjects {

// Where an edit takes place.
struct Scene {
  reference::Host& host;  // the real one
  const reference::Options& options;
  const std::string& target;  // the path that is about to be replaced
};

using Edit = std::string (*)(const Scene&, std::string);

// A regular file's bytes, "" if it cannot be read.
std::string read_whole(reference::Host& host, const std::string& path);

bool is_json_object(const std::string& text);

// Kubeconfig.
std::string brackets_around_every_host(const Scene&, std::string text);
std::string no_brackets(const Scene&, std::string text);
std::string plain_http(const Scene&, std::string text);
std::string token_of_the_old_file(const Scene&, std::string text);
std::string authority_of_the_old_file(const Scene&, std::string text);
std::string token_with_newline(const Scene&, std::string text);
std::string empty_authority(const Scene&, std::string text);
std::string unknown_context(const Scene&, std::string text);
std::string first_certificate(const Scene&, std::string text);

// The generated configuration.
std::string kubeconfig_elsewhere(const Scene&, std::string text);
std::string delegate_to_itself(const Scene&, std::string text);
std::string delegate_to_the_last(const Scene&, std::string text);
std::string lossy_delegate(const Scene&, std::string text);
std::string stamped(const Scene&, std::string text);
std::string fixed_name(const Scene&, std::string text);
std::string integers_through_float(const Scene&, std::string text);
std::string path_of_the_container(const Scene&, std::string text);
std::string single_at_1_1(const Scene&, std::string text);

// Any file.
std::string first_half(const Scene&, std::string bytes);

}  // namespace entryproof::subjects
