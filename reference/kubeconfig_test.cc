#include "reference/kubeconfig.h"

#include <gtest/gtest.h>

#include "reference/certificate.h"

namespace reference {
namespace {

Options with_environment(const std::string& host, const std::string& port) {
  Options options;
  options.service_host = host;
  options.service_port = port;
  return options;
}

TEST(Kubeconfig, HostTable) {  // FRESH-18
  struct Row {
    std::string host;
    std::string url;  // empty: refused
  };
  const Row rows[] = {{"10.96.0.1", "https://10.96.0.1:443"},
                      {"kubernetes.default.svc", "https://kubernetes.default.svc:443"},
                      {"kubernetes.default.svc.", "https://kubernetes.default.svc.:443"},
                      {"API.Example.COM", "https://API.Example.COM:443"},
                      {"fd00::1", "https://[fd00::1]:443"},
                      {"FD00::1", "https://[FD00::1]:443"},
                      {"[fd00::1]", "https://[fd00::1]:443"},
                      {"::ffff:10.96.0.1", "https://[::ffff:10.96.0.1]:443"},
                      {"fe80::1%eth0", ""},
                      {"[10.96.0.1]", ""},
                      {"[name]", ""},
                      {"[]", ""},
                      {"[fd00::1", ""},
                      {"10.96.0.256", ""},
                      {"10.96.0", ""},
                      {"", ""},
                      {" ", ""},
                      {"10.96.0.1 ", ""},
                      {"host/path", ""},
                      {"user@host", ""},
                      {"host:443", ""},
                      {"-host", ""},
                      {"a..b", ""},
                      {"a\nb", ""},
                      {std::string("10.96.0.1\0x", 11), ""}};
  for (const Row& row : rows) {
    const auto endpoint = find_endpoint(with_environment(row.host, "443"));
    ASSERT_EQ(endpoint.has_value(), !row.url.empty()) << row.host;
    if (endpoint) {
      EXPECT_EQ(endpoint->url(), row.url);
    } else {
      EXPECT_NE(endpoint.error().text.find("KUBERNETES_SERVICE_HOST"), std::string::npos);
      EXPECT_EQ(endpoint.error().exit_code, kExitConfiguration);
    }
  }
}

TEST(Kubeconfig, PortTable) {  // FRESH-19
  for (const char* port : {"1", "443", "6443", "65535"}) EXPECT_TRUE(find_endpoint(with_environment("10.96.0.1", port))) << port;
  for (const char* port : {"", "0", "65536", "99999999999", "https", "443 ", " 443", "+443", "-1", "0x1bb", "443/"}) {
    const auto endpoint = find_endpoint(with_environment("10.96.0.1", port));
    ASSERT_FALSE(endpoint) << port;
    EXPECT_NE(endpoint.error().text.find("KUBERNETES_SERVICE_PORT"), std::string::npos);
  }
}

TEST(Kubeconfig, ExplicitServerGoesBeforeTheEnvironment) {  // FRESH-20
  const std::pair<const char*, const char*> good[] = {
      {"https://10.0.0.1:6443", "https://10.0.0.1:6443"}, {"https://api.example.com/", "https://api.example.com:443"},
      {"10.0.0.1:6443", "https://10.0.0.1:6443"},         {"api.example.com", "https://api.example.com:443"},
      {"[fd00::1]:6443", "https://[fd00::1]:6443"},       {"fd00::1", "https://[fd00::1]:443"},
      {"https://[fd00::1]", "https://[fd00::1]:443"}};
  for (const auto& [flag, url] : good) {
    Options options = with_environment("wrong/host", "0");
    options.api_server = flag;
    const auto endpoint = find_endpoint(options);
    ASSERT_TRUE(endpoint) << flag << ": " << endpoint.error().text;
    EXPECT_EQ(endpoint->url(), url);
  }
  for (const char* flag : {"ftp://host", "https://", "https://host:0", "https://host:", "https://host:1/path", "https://u@host",
                           "https://host?x", "https://[fd00::1%25eth0]:1", "[fd00::1]6443"}) {
    Options options = with_environment("10.96.0.1", "443");
    options.api_server = flag;
    EXPECT_FALSE(find_endpoint(options)) << flag;
  }
}

TEST(Kubeconfig, ProtocolComesFromTheEnvironment) {
  Options options = with_environment("10.96.0.1", "80");
  options.service_protocol = "http";
  EXPECT_EQ(find_endpoint(options)->url(), "http://10.96.0.1:80");
  options.service_protocol = "gopher";
  EXPECT_FALSE(find_endpoint(options));
}

TEST(Kubeconfig, HasUpstreamsForm) {
  const Endpoint endpoint{.protocol = "https", .host = "10.96.0.1", .port = 443};
  const std::string expected =
      "# Kubeconfig file for Multus CNI plugin.\n"
      "apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: local\n"
      "  cluster:\n"
      "    server: https://10.96.0.1:443\n"
      "    certificate-authority-data: Y2E=\n"
      "users:\n"
      "- name: multus\n"
      "  user:\n"
      "    token: \"tok-AAA\"\n"
      "contexts:\n"
      "- name: multus-context\n"
      "  context:\n"
      "    cluster: local\n"
      "    user: multus\n"
      "current-context: multus-context\n";
  EXPECT_EQ(render_kubeconfig(endpoint, "tok-AAA", "ca"), expected);
  // With a CA of 59 bytes and a token of 7, upstream's document has 414 bytes.
  EXPECT_EQ(render_kubeconfig(endpoint, "tok-AAA", std::string(59, 'c')).size(), 414U);
}

TEST(Kubeconfig, KnowsItsOwnForm) {
  const Endpoint endpoint{.protocol = "http", .host = "fd00::1", .port = 6443};
  const std::string own = render_kubeconfig(endpoint, "a\"b", std::string(5000, 'c'));
  EXPECT_TRUE(is_generated_kubeconfig(own));
  EXPECT_TRUE(is_generated_kubeconfig(render_kubeconfig(endpoint, "t", "")));
  for (std::size_t size = 0; size < own.size(); size += 7) EXPECT_FALSE(is_generated_kubeconfig(own.substr(0, size))) << size;
  EXPECT_FALSE(is_generated_kubeconfig(own.substr(0, own.size() - 1)));
  EXPECT_FALSE(is_generated_kubeconfig(own + own));
  EXPECT_FALSE(is_generated_kubeconfig(own.substr(own.find('\n') + 1)));  // without the comment it is somebody's own
  EXPECT_FALSE(is_generated_kubeconfig(own + "# edited\n"));
}

TEST(Kubeconfig, QuotesTheTokenAndEmbedsTheBundleWhole) {  // FRESH-21, FRESH-13
  const Endpoint endpoint{.protocol = "https", .host = "::1", .port = 1};
  const std::string bundle = "one\r\ntwo\nrest";
  const std::string text = render_kubeconfig(endpoint, "a\"b\\c", bundle);
  EXPECT_NE(text.find("token: \"a\\\"b\\\\c\"\n"), std::string::npos);
  EXPECT_NE(text.find("certificate-authority-data: " + encode_base64(bundle) + "\n"), std::string::npos);
  EXPECT_NE(render_kubeconfig(endpoint, "a", "").find("    insecure-skip-tls-verify: true\n"), std::string::npos);
}

}  // namespace
}  // namespace reference
