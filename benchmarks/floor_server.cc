// The floor below the servers of servers.py: the same answers with the fewest calls of the system that give them, and
// no application. `floor_server PORT each|held|joined [PROCESSES [STEPS]]` says what becomes of the ten pieces of
// /stream:
//
//   each     a call and a packet for each of them
//   held     a call for each, and the kernel holds them back up to the last (MSG_MORE)
//   joined   one call for all of them, which only a server can do that asks for a piece before it has sent another
//
// Where it closes, the last two send the end of the stream in one packet with the answer.
//
// Several processes wait at the same listener, and end with the first of them. STEPS multiplications, one after the
// other, stand for what a server that is not bare has to compute for a request; a multiplication takes a few cycles. It
// understands the requests of wrk, each in one packet, and nothing else. Linux only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr int kPieces = 10;
constexpr int kEventsMax = 64;
constexpr std::string_view kDate = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

std::string head(std::string_view fields) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + std::string(fields) + std::string(kDate);
}

class FloorServer {
 public:
  FloorServer(int port, std::string_view pieces) : held_(pieces == "held"), joined_(pieces == "joined") {
    const int on = 1;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Connections have it from their listener.
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 1024) != 0)
      std::perror("listen"), std::exit(1);
    for (std::string& piece : pieces_) piece = "64\r\n" + std::string(100, 'x') + "\r\n";
    pieces_[0] = head("Transfer-Encoding: chunked\r\n") + "\r\n" + pieces_[0];
    for (const std::string& piece : pieces_) all_ += piece;
    all_ += kLast;
  }

  [[noreturn]] void run(int processes, long steps) {
    steps_ = steps;
    while (--processes > 0 && ::fork() != 0) {
    }
    if (processes > 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_, EPOLLIN | EPOLLEXCLUSIVE);
    epoll_event events[kEventsMax];
    while (true) {
      const int count = ::epoll_wait(epoll_, events, kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
          if (client >= 0) watch(client, EPOLLIN);
        } else if (!answer(fd)) {
          ::close(fd);
        }
      }
    }
  }

 private:
  static constexpr std::string_view kLast = "0\r\n\r\n";

  void watch(int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  // False: to be closed.
  bool answer(int fd) const {
    char buffer[8192];
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    compute(steps_);
    const std::string_view request(buffer, static_cast<std::size_t>(size));
    if (request.starts_with("GET /stream ")) {
      stream(fd);
      return true;
    }
    const bool close = request.find("Connection: close") != std::string_view::npos;
    const bool together = close && (held_ || joined_);
    send(fd, close ? closing_ : keeping_, together ? MSG_MORE : 0);
    if (together) ::shutdown(fd, SHUT_WR);
    return !close;
  }

  void stream(int fd) const {
    if (joined_) {
      send(fd, all_, 0);
      return;
    }
    const int flag = held_ ? MSG_MORE : 0;
    for (const std::string& piece : pieces_) send(fd, piece, flag);
    send(fd, kLast, 0);
  }

  static void compute(long steps) {
    volatile std::uint64_t sink = 1;
    std::uint64_t value = sink;
    while (steps-- > 0) value = value * 6364136223846793005u + 1442695040888963407u;
    sink = value;
  }

  static void send(int fd, std::string_view data, int flags) {
    if (::send(fd, data.data(), data.size(), flags | MSG_NOSIGNAL) < 0) std::perror("send");
  }

  bool held_;
  bool joined_;
  int listener_ = -1;
  int epoll_ = -1;  // of this process
  long steps_ = 0;
  std::string pieces_[kPieces];
  std::string all_;
  std::string keeping_ = head("Content-Length: 13\r\n") + "\r\nHello, world!";
  std::string closing_ = head("Content-Length: 13\r\nConnection: close\r\n") + "\r\nHello, world!";
};

}  // namespace

int main(int count, char** words) {
  if (count < 3 || count > 5) {
    std::fputs("floor_server PORT each|held|joined [PROCESSES [STEPS]]\n", stderr);
    return 2;
  }
  FloorServer(std::atoi(words[1]), words[2])
      .run(count > 3 ? std::atoi(words[3]) : 1, count > 4 ? std::atol(words[4]) : 0);
}
