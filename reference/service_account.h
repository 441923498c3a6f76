// ServiceAccount: token and CA certificates as kubelet projects them, always of one generation.
//
// Kubelet swaps the symlink `..data` to a new directory and then removes the old one. Two files opened one after the other through that
// link may be of different generations, or gone. So the link is resolved once, both files are read from the directory it named, and the
// link is looked at again; if it moved, everything is read anew. Files that lie plainly in a directory (a static Pod's) are read as they
// are.
#pragma once

#include <optional>
#include <string>

#include "reference/host.h"
#include "reference/problem.h"

namespace reference {

struct Credentials {
  std::string token;  // without white space around it
  std::string ca;     // PEM, exactly as it was found; empty if none was asked for

  // In the token's place is what is no file: a pipe would make us wait for ever. The certificates are good. `token` is empty then.
  std::optional<Problem> no_token;
};

// Reads and judges. A problem never contains a byte of what was read. `ca_file` empty: no certificates are wanted. `known`: what was good
// before; the same bytes need not be judged again.
Result<Credentials> read_credentials(Host& host, const std::string& token_file, const std::string& ca_file, const Credentials& known = {});

// Empty if `token` (trimmed) can stand in an HTTP header; else why not, in a few words.
std::string why_no_token(std::string_view token);
std::string_view trimmed(std::string_view text);

}  // namespace reference
