#include "policy/password_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

// What may be asked of the machine for one check; more would make the proxy easy to occupy.
constexpr unsigned kMostBcryptCost = 16;  // about four seconds
constexpr std::uint64_t kMostRounds = 2'000'000;
constexpr std::uint64_t kMostYescryptBytes = 64U << 20;
constexpr std::uint64_t kMostCostRatio = 4;

/// The digits of crypt(5), in the order of their values.
constexpr std::string_view kDigits =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool all_digits(std::string_view text) {
  return text.find_first_not_of(kDigits) == std::string_view::npos;
}

/// Takes what stands before the next '$', and that.
std::string_view take_part(std::string_view& text) {
  const std::size_t end = std::min(text.find('$'), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// A hash that was read: what a check costs, or what is wrong with it.
struct Judged {
  std::uint64_t cost = 0;
  std::string problem{};
};

Judged malformed_hash(std::string_view kind) {
  return {0, fmt::format("the {} hash is incomplete, or not well-formed", kind)};
}

/// `rest` follows "$2b$": the cost in two digits, '$', 22 digits of salt and 31 of the hash.
Judged judge_bcrypt(std::string_view rest) {
  constexpr std::size_t kDigitsOfBoth = 53;
  const auto cost = parse_number<unsigned>(rest.substr(0, 2));
  if (rest.size() != 3 + kDigitsOfBoth || rest[2] != '$' || !all_digits(rest.substr(3)) || !cost ||
      !is_digit(rest[0]) || *cost < 4) {
    return malformed_hash("bcrypt");
  }
  if (*cost > kMostBcryptCost) {
    return {
        0, fmt::format("bcrypt of cost {} takes too long; {} is the most", *cost, kMostBcryptCost)};
  }
  return {std::uint64_t{50} << *cost};
}

/// `rest` follows "$5$" or "$6$": maybe "rounds=N$", then salt, '$' and hash.
Judged judge_sha_crypt(std::string_view rest, std::size_t digits) {
  constexpr std::string_view kRounds = "rounds=";
  constexpr std::size_t kMostSalt = 16;
  std::uint64_t rounds = 5'000;
  if (rest.starts_with(kRounds)) {
    const auto given = parse_number<std::uint64_t>(take_part(rest).substr(kRounds.size()));
    if (!given || *given < 1'000) return malformed_hash("SHA-crypt");
    rounds = *given;
  }
  const std::string_view salt = take_part(rest);
  const auto is_bad = [](char c) {
    return c <= ' ' || c > '~' || c == ':' || c == '*' || c == '!';
  };
  if (salt.size() > kMostSalt || std::any_of(salt.begin(), salt.end(), is_bad) ||
      rest.size() != digits || !all_digits(rest)) {
    return malformed_hash("SHA-crypt");
  }
  if (rounds > kMostRounds) {
    return {0, fmt::format("SHA-crypt of {} rounds takes too long; {} are the most", rounds,
                           kMostRounds)};
  }
  return {rounds / 2};
}

/// A yescrypt parameter of one digit, as all have that take a bearable amount of memory.
std::optional<std::uint64_t> yescrypt_number(char digit) {
  constexpr std::size_t kMostOfOneDigit = 47;
  const std::size_t value = kDigits.find(digit);
  if (value > kMostOfOneDigit) return std::nullopt;
  return value + 1;
}

/// `rest` follows "$y$": flavor, N and r as one digit each, '$', salt, '$' and 43 digits of hash.
Judged judge_yescrypt(std::string_view rest) {
  constexpr std::size_t kHashDigits = 43;
  constexpr std::size_t kMostSalt = 86;
  const std::string_view parameters = take_part(rest);
  const std::string_view salt = take_part(rest);
  if (parameters.size() < 3 || salt.empty() || salt.size() > kMostSalt || !all_digits(salt) ||
      rest.size() != kHashDigits || !all_digits(rest) || !all_digits(parameters)) {
    return malformed_hash("yescrypt");
  }
  const auto log2_n = yescrypt_number(parameters[1]);
  const auto r = yescrypt_number(parameters[2]);
  constexpr std::uint64_t kMostLog2 = 30;
  const bool is_usual = parameters.size() == 3 && parameters[0] == 'j' && log2_n && r;
  if (!is_usual || *log2_n > kMostLog2 || (*r << *log2_n) * 128 > kMostYescryptBytes) {
    return {0, fmt::format("yescrypt with the parameters {} may take more than {} MiB of memory; "
                           "make it with those of mkpasswd -m yescrypt",
                           printable(parameters, 12), kMostYescryptBytes >> 20)};
  }
  return {(*r << *log2_n) / 5};
}

struct Refused {
  std::string_view prefix;
  std::string_view name;
};
/// Kinds that are told by how they begin.
constexpr std::array kRefused = {
    Refused{"$apr1$", "apr1, Apache's MD5,"},
    Refused{"$1$", "MD5-crypt"},
    Refused{"$2$", "$2$, an outdated bcrypt,"},
    Refused{"$2x$", "$2x$, a faulty bcrypt,"},
    Refused{"$3$", "the NT hash"},
    Refused{"$7$", "scrypt"},
    Refused{"$gy$", "gost-yescrypt"},
    Refused{"$sha1$", "SHA1-crypt"},
    Refused{"$md5", "Sun's MD5"},
    Refused{"$argon2", "argon2"},
    Refused{"{SHA}", "{SHA}, SHA-1 without salt,"},
    Refused{"{SSHA}", "{SSHA}, salted SHA-1,"},
    Refused{"{PLAIN}", "plain text"},
    Refused{"_", "BSDi's DES"},
};

/// What a hash that is none of ours is, for a sentence that says so.
std::string_view name_of_refused(std::string_view hash) {
  constexpr std::size_t kDesDigits = 13;
  for (const Refused& known : kRefused) {
    if (hash.starts_with(known.prefix)) return known.name;
  }
  if (hash.starts_with('$') || hash.starts_with('{')) return "this kind of hash";
  if (hash.size() == kDesDigits && all_digits(hash)) return "DES-crypt, or plain text,";
  return "plain text, or an unknown kind of hash,";
}

/// An account that was locked (usermod -L, passwd -l), or whose hash is elsewhere.
bool is_disabled(std::string_view hash) {
  return hash.starts_with('!') || hash.starts_with('*') || hash == "x";
}

Judged judge_hash(std::string_view hash) {
  constexpr std::size_t kSha256Digits = 43;
  constexpr std::size_t kSha512Digits = 86;
  if (hash.empty()) return {0, "there is no hash"};
  if (is_disabled(hash)) {
    return {0, "a disabled account, which has no place here: remove the line"};
  }
  if (hash.find(':') != std::string_view::npos) {
    return {0, "there is a second ':'; a line has USER:HASH and nothing else"};
  }
  for (const std::string_view bcrypt : {"$2a$", "$2b$", "$2y$"}) {
    if (hash.starts_with(bcrypt)) return judge_bcrypt(hash.substr(bcrypt.size()));
  }
  if (hash.starts_with("$5$")) return judge_sha_crypt(hash.substr(3), kSha256Digits);
  if (hash.starts_with("$6$")) return judge_sha_crypt(hash.substr(3), kSha512Digits);
  if (hash.starts_with("$y$")) return judge_yescrypt(hash.substr(3));
  return {0, fmt::format("{} is not taken; make the line anew with htpasswd -B, or its hash with "
                         "openssl passwd -6",
                         name_of_refused(hash))};
}

/// What is wrong with a user's name; empty if nothing is.
std::string_view mistake_in_name(std::string_view name) {
  if (name.empty()) return "the user's name is empty";
  // RFC 7617 section 2.
  if (has_control(name)) return "the user's name has a control character";
  return {};
}

bool name_is_less(const PasswordEntry& entry, std::string_view user) { return entry.user < user; }

}  // namespace

PasswordFile PasswordFile::parse(std::string_view text, std::vector<std::string>& problems) {
  PasswordFile file;
  const std::size_t problems_before = problems.size();
  text = without_byte_order_mark(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_space(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      problems.push_back(fmt::format("line {}: there is no ':' between a user and a hash", number));
      continue;
    }
    const std::string_view user = line.substr(0, colon);
    if (const std::string_view mistake = mistake_in_name(user); !mistake.empty()) {
      problems.push_back(fmt::format("line {}: {}", number, mistake));
      continue;
    }
    const std::string_view hash = line.substr(colon + 1);
    Judged judged = judge_hash(hash);
    if (!judged.problem.empty()) {
      problems.push_back(fmt::format("line {}: user {}: {}", number, printable(user, kMostOfUser),
                                     judged.problem));
    }
    file.add({std::string(user), Secret(std::string(hash)), judged.cost, number}, problems);
  }
  if (file.size() == 0 && problems.size() == problems_before) {
    problems.emplace_back("there is no user in it");
  }
  return file;
}

void PasswordFile::add(PasswordEntry entry, std::vector<std::string>& problems) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry.user, name_is_less);
  if (place != entries_.end() && place->user == entry.user) {
    problems.push_back(fmt::format("line {}: user {} stands in line {} already", entry.line,
                                   printable(entry.user, kMostOfUser), place->line));
    return;
  }
  entries_.insert(place, std::move(entry));
}

bool PasswordFile::costs_differ() const {
  const auto costs_less = [](const PasswordEntry& one, const PasswordEntry& other) {
    return one.cost < other.cost;
  };
  const auto [least, most] = std::minmax_element(entries_.begin(), entries_.end(), costs_less);
  return least != entries_.end() && most->cost > kMostCostRatio * least->cost;
}

const PasswordEntry* PasswordFile::find(std::string_view user) const {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), user, name_is_less);
  return place != entries_.end() && place->user == user ? &*place : nullptr;
}

}  // namespace culvert
