// The floor below a manager's call of beside_stdlib.py: a question and its answer between two processes over a Unix
// socket, in microseconds, without what both sides compute. `wait_floor STEPS [CALLS]` prints two numbers:
//
//   read    the server waits in read(), as a server does that has a thread for each connection
//   epoll   it waits in epoll_wait() and then reads, as one does that has one thread for all of them
//
// The one who asks waits in read() either way. STEPS multiplications, one after the other, stand for what each side
// computes for a call; without any, neither processor has the time to fall asleep that it has in a program. Linux only.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

constexpr int kRounds = 5;
constexpr std::size_t kHeader = 4;
constexpr std::size_t kQuestion = 58;  // as large as those of a manager's dictionary
constexpr std::size_t kAnswer = 30;

void compute(long steps) {
  volatile std::uint64_t sink = 1;
  std::uint64_t value = sink;
  while (steps-- > 0) value = value * 6364136223846793005u + 1442695040888963407u;
  sink = value;
}

// False: the other side is gone. A header and a body, in two calls, as multiprocessing reads.
bool take(int fd, std::size_t size) {
  char message[kQuestion];
  return ::read(fd, message, kHeader) == static_cast<ssize_t>(kHeader) &&
         ::read(fd, message, size - kHeader) == static_cast<ssize_t>(size - kHeader);
}

void give(int fd, std::size_t size) {
  static constexpr char message[kQuestion] = {};
  if (::write(fd, message, size) != static_cast<ssize_t>(size)) std::_Exit(1);
}

[[noreturn]] void serve(int fd, bool by_epoll, long steps) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  while (true) {
    if (by_epoll) ::epoll_wait(epoll, &event, 1, -1);
    if (!take(fd, kQuestion)) std::_Exit(0);
    compute(steps);
    give(fd, kAnswer);
  }
}

Microseconds computing(long steps, int calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) compute(steps);
  return (std::chrono::steady_clock::now() - begin) / calls;
}

Microseconds call(bool by_epoll, long steps, int calls) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::perror("socketpair"), std::exit(1);
  const pid_t server = ::fork();
  if (server == 0) {
    ::close(ends[0]);
    serve(ends[1], by_epoll, steps);
  }
  ::close(ends[1]);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) {
    compute(steps);
    give(ends[0], kQuestion);
    if (!take(ends[0], kAnswer)) std::exit(1);
  }
  const Microseconds each = (std::chrono::steady_clock::now() - begin) / calls;
  ::close(ends[0]);
  ::waitpid(server, nullptr, 0);
  return each;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2 || count > 3) {
    std::fputs("wait_floor STEPS [CALLS]\n", stderr);
    return 2;
  }
  const long steps = std::atol(words[1]);
  const int calls = count > 2 ? std::atoi(words[2]) : 10000;
  double found[2][kRounds];
  for (int round = 0; round < kRounds; ++round)
    for (const bool by_epoll : {false, true})
      found[by_epoll][round] = (call(by_epoll, steps, calls) - 2 * computing(steps, calls)).count();
  for (auto& each : found) std::sort(each, each + kRounds);
  std::printf("%.1f %.1f\n", found[false][kRounds / 2], found[true][kRounds / 2]);
}
