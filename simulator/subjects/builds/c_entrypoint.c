// An entrypoint in plain C: an honest build that shares nothing with the reference, for the suite's own tests.
//
// It looks at everything twice a second and writes what differs, through a temporary that is made exclusively (.c-entry.<pid>), in the order
// kubeconfig, plugin, configuration. The primary's text goes into the configuration as it is. What it cannot work with it refuses, and
// waits: it never gives up, and never touches what it published. It leaves capabilities and network names alone.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 4 << 20 };

typedef struct {
  char* data;
  size_t size;
} Text;

static const char* flag(int argc, char** argv, const char* name, const char* usual) {
  const size_t size = strlen(name);
  for (int i = argc - 1; i > 0; --i) {
    if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, size) == 0 && argv[i][2 + size] == '=') return argv[i] + 3 + size;
  }
  return usual;
}

static bool complain(const char* form, ...) {
  static char last[512];
  char line[512];
  va_list arguments;
  va_start(arguments, form);
  vsnprintf(line, sizeof line, form, arguments);
  va_end(arguments);
  if (strcmp(line, last) != 0) fprintf(stderr, "c_entrypoint: %s\n", line);
  strcpy(last, line);
  return false;
}

static bool read_file(const char* path, Text* text) {
  const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  text->data = NULL;
  text->size = 0;
  if (file < 0) return false;
  bool good = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= kMost;
  if (good) {
    text->data = malloc(kMost + 1);
    ssize_t got = 0;
    while (text->data != NULL && text->size < kMost && (got = read(file, text->data + text->size, kMost - text->size)) > 0)
      text->size += (size_t)got;
    good = got == 0 && text->data != NULL;
    if (good) text->data[text->size] = '\0';
  }
  close(file);
  if (!good) free(text->data);
  return good;
}

static bool sync_directory_of(const char* path) {
  char directory[4096];
  snprintf(directory, sizeof directory, "%s", path);
  char* slash = strrchr(directory, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  const int handle = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return false;
  const bool good = fsync(handle) == 0;
  close(handle);
  return good;
}

static void hidden_beside(const char* path, char* hidden, size_t size) {
  const char* slash = strrchr(path, '/');
  snprintf(hidden, size, "%.*s/.c-entry.%ld", (int)(slash - path), path, (long)getpid());
}

// What may be lost by a power cut, for its directory could not be synced: it is brought again, since a second sync would prove nothing.
static char doubtful[4][4096];

static char* doubt_about(const char* path) {
  for (int i = 0; i < 4; ++i) {
    if (strcmp(doubtful[i], path) == 0) return doubtful[i];
  }
  return NULL;
}

// The file becomes these bytes, at once and for good; nothing happens if it is them already.
static bool bring(const char* path, const Text* text, mode_t mode) {
  struct stat status;
  const bool there = lstat(path, &status) == 0;
  if (there && S_ISREG(status.st_mode) && (status.st_mode & 07777) == mode && (size_t)status.st_size == text->size) {
    Text old;
    if (read_file(path, &old)) {
      const bool same = old.size == text->size && memcmp(old.data, text->data, old.size) == 0;
      free(old.data);
      if (same && doubt_about(path) == NULL) return true;
    }
  }
  char hidden[4096];
  hidden_beside(path, hidden, sizeof hidden);
  unlink(hidden);
  const int file = open(hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return complain("cannot make %s: %s", hidden, strerror(errno));
  bool good = fchmod(file, mode) == 0;
  for (size_t at = 0; good && at < text->size;) {
    const ssize_t wrote = write(file, text->data + at, text->size - at);
    good = wrote > 0;
    if (good) at += (size_t)wrote;
  }
  good = good && fsync(file) == 0;
  good = close(file) == 0 && good;
  if (good && there && S_ISDIR(status.st_mode)) {
    char aside[4200];
    snprintf(aside, sizeof aside, "%s.aside-%ld", path, (long)time(NULL));
    rename(path, aside);
  }
  good = good && rename(hidden, path) == 0;
  if (!good) {
    complain("cannot write %s: %s", path, strerror(errno));
    unlink(hidden);
    return false;
  }
  char* doubt = doubt_about(path);
  good = sync_directory_of(path);
  if (good && doubt != NULL) doubt[0] = '\0';
  if (good || doubt != NULL) return good;
  doubt = doubt_about("");
  if (doubt != NULL) snprintf(doubt, sizeof doubtful[0], "%s", path);
  return complain("cannot sync the directory of %s: %s", path, strerror(errno));
}

static void sweep(const char* directory) {
  DIR* handle = opendir(directory);
  if (handle == NULL) return;
  for (struct dirent* entry = readdir(handle); entry != NULL; entry = readdir(handle)) {
    if (strncmp(entry->d_name, ".c-entry.", 9) == 0) unlinkat(dirfd(handle), entry->d_name, 0);
  }
  closedir(handle);
}

// --- JSON: what a runtime would take, and the few facts that matter ---

typedef struct {
  const char* at;
  bool multus;         // a "type" of it, anywhere
  char version[512];   // cniVersion of the document
  bool named;          // it has a name
  bool typed;          // the document has a type
  int plugins;         // how many plugins; -1: none are listed
  int typed_plugins;   // and how many of them have a type
  char kubeconfig[512];
} Facts;

static bool value(Facts* facts, int depth, const char* key, bool in_plugins);

static void blank(Facts* facts) { facts->at += strspn(facts->at, " \t\r\n"); }

static bool string(Facts* facts, char* into, size_t size) {
  if (*facts->at != '"') return false;
  size_t length = 0;
  for (++facts->at; *facts->at != '"'; ++facts->at) {
    if ((unsigned char)*facts->at < 0x20) return false;
    if (*facts->at == '\\' && strchr("\"\\/bfnrtu", *++facts->at) == NULL) return false;
    if (into != NULL && length + 1 < size) into[length++] = *facts->at;
  }
  ++facts->at;
  if (into != NULL) into[length] = '\0';
  return true;
}

static bool members(Facts* facts, int depth, bool plugin) {
  bool typed = false;
  ++facts->at;
  blank(facts);
  while (*facts->at != '}') {
    char key[64];
    if (!string(facts, key, sizeof key)) return false;
    blank(facts);
    if (*facts->at++ != ':') return false;
    blank(facts);
    if (*facts->at == '"') {
      char text[512];
      if (!string(facts, text, sizeof text)) return false;
      const bool type = strcasecmp(key, "type") == 0;
      typed = typed || (type && text[0] != '\0');
      if (type && (strcmp(text, "multus") == 0 || strcmp(text, "multus-shim") == 0)) facts->multus = true;
      if (depth == 1 && strcmp(key, "cniVersion") == 0) snprintf(facts->version, sizeof facts->version, "%s", text);
      if (depth == 1 && strcmp(key, "name") == 0) facts->named = text[0] != '\0';
      if ((depth == 1 || plugin) && strcmp(key, "kubeconfig") == 0) snprintf(facts->kubeconfig, sizeof facts->kubeconfig, "%s", text);
    } else if (!value(facts, depth + 1, depth == 1 ? key : "", false)) {
      return false;
    }
    blank(facts);
    if (*facts->at == ',') {
      ++facts->at;
      blank(facts);
      if (*facts->at == '}') return false;
    } else if (*facts->at != '}') {
      return false;
    }
  }
  ++facts->at;
  if (depth == 1) facts->typed = typed;
  if (plugin && typed) ++facts->typed_plugins;
  return true;
}

static bool items(Facts* facts, int depth, bool plugins) {
  ++facts->at;
  blank(facts);
  while (*facts->at != ']') {
    if (plugins) ++facts->plugins;
    if (!value(facts, depth + 1, "", plugins)) return false;
    blank(facts);
    if (*facts->at == ',') {
      ++facts->at;
      blank(facts);
      if (*facts->at == ']') return false;
    } else if (*facts->at != ']') {
      return false;
    }
  }
  ++facts->at;
  return true;
}

static bool digits(Facts* facts) {
  const size_t size = strspn(facts->at, "0123456789");
  facts->at += size;
  return size > 0;
}

static bool number(Facts* facts) {
  if (*facts->at == '-') ++facts->at;
  if (*facts->at == '0') {
    ++facts->at;
  } else if (!digits(facts)) {
    return false;
  }
  if (*facts->at == '.') {
    ++facts->at;
    if (!digits(facts)) return false;
  }
  if (*facts->at != 'e' && *facts->at != 'E') return true;
  ++facts->at;
  if (*facts->at == '+' || *facts->at == '-') ++facts->at;
  return digits(facts);
}

static bool value(Facts* facts, int depth, const char* key, bool in_plugins) {
  if (depth > 500) return false;
  if (*facts->at == '{') return members(facts, depth, in_plugins);
  if (*facts->at == '"') return string(facts, NULL, 0);
  if (*facts->at == '[') {
    const bool plugins = strcmp(key, "plugins") == 0;
    if (plugins) facts->plugins = 0;
    return items(facts, depth, plugins);
  }
  for (int i = 0; i < 3; ++i) {
    static const char* kWords[] = {"true", "false", "null"};
    if (strncmp(facts->at, kWords[i], strlen(kWords[i])) == 0) {
      facts->at += strlen(kWords[i]);
      return true;
    }
  }
  return number(facts);
}

static bool understand(const Text* text, const char* name, Facts* facts) {
  memset(facts, 0, sizeof *facts);
  facts->at = text->data;
  facts->plugins = -1;
  blank(facts);
  if (*facts->at != '{' || !value(facts, 1, "", false)) return false;
  blank(facts);
  const size_t size = strlen(name);
  const bool list = size > 9 && strcmp(name + size - 9, ".conflist") == 0;
  return facts->at == text->data + text->size && (list ? facts->plugins > 0 && facts->typed_plugins == facts->plugins : facts->typed && facts->plugins < 0);
}

// --- the three files ---

static bool server(char* url, size_t size) {
  const char* host = getenv("KUBERNETES_SERVICE_HOST");
  const char* port = getenv("KUBERNETES_SERVICE_PORT");
  if (host == NULL || port == NULL) return complain("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  const size_t length = strlen(host);
  const bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
  const size_t from = bracketed ? 1 : 0;
  const size_t host_size = length - 2 * from;
  char* end = NULL;
  const long number = strtol(port, &end, 10);
  const char* const kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-";
  if (host_size == 0 || strspn(host + from, kAllowed) < host_size) return complain("KUBERNETES_SERVICE_HOST is no host");
  if (*port < '0' || *port > '9' || *end != '\0' || number < 1 || number > 65535) return complain("KUBERNETES_SERVICE_PORT is no port");
  const bool six = memchr(host + from, ':', host_size) != NULL;
  char address[64];
  struct in6_addr ignored;
  snprintf(address, sizeof address, "%.*s", (int)host_size, host + from);
  if (six && inet_pton(AF_INET6, address, &ignored) != 1) return complain("KUBERNETES_SERVICE_HOST is no address");
  snprintf(url, size, "https://%s%.*s%s:%ld", six ? "[" : "", (int)host_size, host + from, six ? "]" : "", number);
  return true;
}

static char* base64(const Text* text) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* made = malloc(text->size * 4 / 3 + 8);
  char* out = made;
  for (size_t at = 0; at < text->size; at += 3) {
    const size_t left = text->size - at;
    unsigned group = (unsigned)(unsigned char)text->data[at] << 16;
    if (left > 1) group |= (unsigned)(unsigned char)text->data[at + 1] << 8;
    if (left > 2) group |= (unsigned char)text->data[at + 2];
    for (unsigned digit = 0; digit < 4; ++digit) *out++ = digit <= left ? kDigits[(group >> (18 - 6 * digit)) & 63] : '=';
  }
  *out = '\0';
  return made;
}

static bool read_beside(const char* account, const char* generation, const char* name, Text* text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s%s%s", account, generation, generation[0] != '\0' ? "/" : "", name);
  return read_file(path, text) || complain("cannot read %s: %s", path, strerror(errno));
}

// Token and CA of one generation: the directory that ..data names is looked up once, and once more behind the reads.
static bool credentials(const char* account, Text* token, Text* ca) {
  char link[4096];
  snprintf(link, sizeof link, "%s/..data", account);
  for (int attempt = 0; attempt < 10; ++attempt) {
    char before[256] = "";
    char after[256] = "";
    const ssize_t size = readlink(link, before, sizeof before - 1);
    before[size > 0 ? size : 0] = '\0';
    if (!read_beside(account, before, "token", token)) return false;
    if (!read_beside(account, before, "ca.crt", ca)) {
      free(token->data);
      return false;
    }
    const ssize_t again = readlink(link, after, sizeof after - 1);
    after[again > 0 ? again : 0] = '\0';
    if (strcmp(before, after) == 0) return true;
    free(token->data);
    free(ca->data);
  }
  return complain("%s changes all the time", account);
}

static bool keep_kubeconfig(const char* account, const char* path, bool verify) {
  char url[512];
  Text token;
  Text ca = {NULL, 0};
  if (!server(url, sizeof url) || !credentials(account, &token, &ca)) return false;
  while (token.size > 0 && strchr(" \t\r\n", token.data[token.size - 1]) != NULL) token.data[--token.size] = '\0';
  bool good = token.size > 0 && token.size < 65536;
  for (size_t i = 0; i < token.size; ++i) good = good && token.data[i] > 32 && token.data[i] < 127 && token.data[i] != '\'';
  if (!good) complain("the token in %s is none", account);
  const char* end = strstr(ca.data, "-----END CERTIFICATE-----");
  if (good && verify && (strstr(ca.data, "-----BEGIN CERTIFICATE-----") == NULL || end == NULL)) good = complain("the CA in %s is none", account);
  if (good) {
    char* authority = base64(&ca);
    Text text;
    text.data = malloc(token.size + strlen(authority) + 2048);
    text.size = (size_t)sprintf(text.data,
                                "apiVersion: v1\nkind: Config\nusers:\n- name: node\n  user: {token: '%s'}\nclusters:\n- name: cluster\n  cluster:\n"
                                "    server: \"%s\"\n    %s%s\ncontexts:\n- {name: it, context: {cluster: cluster, user: node}}\ncurrent-context: it\n",
                                token.data, url, verify ? "certificate-authority-data: " : "insecure-skip-tls-verify: true", verify ? authority : "");
    good = bring(path, &text, 0600);
    free(text.data);
    free(authority);
  }
  free(token.data);
  free(ca.data);
  return good;
}

static bool keep_manual(const char* source, const char* directory, const char* kubeconfig) {
  const char* name = strrchr(source, '/') != NULL ? strrchr(source, '/') + 1 : source;
  char target[4096];
  snprintf(target, sizeof target, "%s/%s", directory, name);
  struct stat from;
  struct stat to;
  Text text;
  Facts facts;
  if (!read_file(source, &text)) return complain("cannot read %s", source);
  bool good = (understand(&text, name, &facts) && facts.named) || complain("%s is no configuration for that name", source);
  if (good && facts.kubeconfig[0] != '\0' && strcmp(facts.kubeconfig, kubeconfig) != 0) good = complain("%s names another kubeconfig", source);
  const bool same = stat(source, &from) == 0 && stat(target, &to) == 0 && from.st_dev == to.st_dev && from.st_ino == to.st_ino;
  good = good && (same || bring(target, &text, 0600));
  free(text.data);
  return good;
}

static int loadable(const struct dirent* entry) {
  const char* dot = strrchr(entry->d_name, '.');
  return dot != NULL && (strcmp(dot, ".conf") == 0 || strcmp(dot, ".conflist") == 0 || strcmp(dot, ".json") == 0);
}

static int by_bytes(const struct dirent** left, const struct dirent** right) { return strcmp((*left)->d_name, (*right)->d_name); }

static bool keep_automatic(const char* primaries, const char* named, const char* directory, const char* kubeconfig, const char* version) {
  struct dirent** entries = NULL;
  const int count = scandir(primaries, &entries, loadable, by_bytes);
  Text text = {NULL, 0};
  Facts facts;
  bool found = false;
  for (int i = 0; i < count; ++i) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", primaries, entries[i]->d_name);
    const bool meant = named[0] == '\0' || strcmp(named, entries[i]->d_name) == 0;
    if (!found && meant && read_file(path, &text)) {
      found = understand(&text, entries[i]->d_name, &facts) && !facts.multus && facts.version[0] != '\0' &&
              strspn(facts.version, "0123456789.") == strlen(facts.version);
      if (!found) free(text.data);
    }
    free(entries[i]);
  }
  free(entries);
  if (!found) return complain("no primary in %s", primaries);
  if (version[0] != '\0' && strcmp(version, facts.version) != 0) {
    free(text.data);
    return complain("the primary's cniVersion is not %s", version);
  }
  const bool list = strncmp(facts.version, "0.", 2) != 0;
  char path[4096];
  char other[4096];
  snprintf(path, sizeof path, "%s/00-multus.conf%s", directory, list ? "list" : "");
  snprintf(other, sizeof other, "%s/00-multus.conf%s", directory, list ? "" : "list");
  Text made;
  made.data = malloc(text.size + 8192);
  made.size = (size_t)sprintf(made.data, "{\"cniVersion\": \"%s\", \"name\": \"multus-cni-network\",%s \"type\": \"multus\",\n \"kubeconfig\": \"%s\", \"delegates\": [\n",
                              facts.version, list ? " \"plugins\": [{" : "", kubeconfig);
  memcpy(made.data + made.size, text.data, text.size);
  made.size += text.size;
  made.size += (size_t)sprintf(made.data + made.size, "]%s}\n", list ? "}]" : "");
  const bool good = bring(path, &made, 0600);
  if (good && unlink(other) == 0) sync_directory_of(other);
  free(made.data);
  free(text.data);
  return good;
}

// Whether a directory is a link that the host would follow to another place than this container does.
static bool leads_astray(const char* directory) {
  char target[2];
  return readlink(directory, target, sizeof target) > 0 && target[0] == '/' && !complain("%s is an absolute link", directory);
}

int main(int argc, char** argv) {
  const char* directory = flag(argc, argv, "cni-conf-dir", "/host/etc/cni/net.d");
  const char* binaries = flag(argc, argv, "cni-bin-dir", "/host/opt/cni/bin");
  const char* account = flag(argc, argv, "service-account-dir", "/var/run/secrets/kubernetes.io/serviceaccount");
  const char* on_host = flag(argc, argv, "multus-kubeconfig-file-host", "/etc/cni/net.d/multus.d/multus.kubeconfig");
  const char* manual = flag(argc, argv, "multus-conf-file", "auto");
  const char* skip = getenv("SKIP_TLS_VERIFY");
  const bool verify = strcmp(flag(argc, argv, "skip-tls-verify", skip != NULL ? skip : "false"), "true") != 0;

  // The host's name of the kubeconfig begins with the end of our directory's name; what remains is the same on both sides.
  char kubeconfig[4096] = "";
  for (const char* end = directory; end != NULL && kubeconfig[0] == '\0'; end = strchr(end + 1, '/')) {
    const size_t size = strlen(end);
    if (strncmp(on_host, end, size) == 0 && on_host[size] == '/') snprintf(kubeconfig, sizeof kubeconfig, "%s%s", directory, on_host + size);
  }
  if (kubeconfig[0] == '\0') {
    complain("%s is in no directory that is mounted here", on_host);
    return 1;
  }
  char parent[4096];
  snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(kubeconfig, '/') - kubeconfig), kubeconfig);
  char plugin[4096];
  snprintf(plugin, sizeof plugin, "%s/multus", binaries);

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, NULL);
  sweep(directory);
  sweep(parent);
  sweep(binaries);
  bool installed = false;
  while (true) {
    bool made = true;
    if (mkdir(parent, 0700) == 0) {
      chmod(parent, 0700);
      made = sync_directory_of(parent);
      if (!made) rmdir(parent);  // and again
    }
    bool good = made && !leads_astray(parent) && (keep_kubeconfig(account, kubeconfig, verify) || (installed && access(kubeconfig, F_OK) == 0));
    Text image;
    struct stat status;
    if (good && read_file(flag(argc, argv, "multus-bin-file", "/usr/src/multus-cni/bin/multus"), &image)) {
      const bool usable = stat(plugin, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0 && status.st_size > 0;
      good = bring(plugin, &image, 0755) || usable;
      free(image.data);
    } else if (good) {
      good = complain("there is no plugin in the image");
    }
    if (good && strcmp(manual, "auto") != 0) {
      good = keep_manual(manual, directory, on_host);
    } else if (good) {
      good = keep_automatic(flag(argc, argv, "multus-autoconfig-dir", directory), flag(argc, argv, "multus-master-cni-file-name", ""), directory,
                            on_host, flag(argc, argv, "cni-version", ""));
    }
    if (good && !installed) {
      installed = true;
      puts("installed");
      fflush(stdout);
    }
    const struct timespec half = {0, 500000000};
    if (sigtimedwait(&ends, NULL, &half) > 0) return 0;
  }
}
