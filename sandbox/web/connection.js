// One WebSocket to the sandbox. It reconnects by itself; the sandbox then sends everything again.

const SLOWEST = 5000;
/** Characters of one question; beyond these the sandbox hangs up. */
const LARGEST = 40 << 20;

/** The sandbox, or Discord's rules, said no; the message says why. */
export class Refused extends Error {}

export class Connection {
  #socket = null;
  #query = {};
  #pause = 250;
  #timer = 0;
  #asks = 0;
  #waiting = new Map();
  #frame;
  #status;

  /** `frame(data)` gets what the sandbox tells; `status(connected)` each change. */
  constructor(frame, status) {
    this.#frame = frame;
    this.#status = status;
    for (const event of ["online", "focus"]) window.addEventListener(event, () => this.#hurry());
  }

  /** Connect as `member` in `place`, closing the connection that was open before. */
  open(query) {
    this.#query = query;
    this.#drop();
    this.#connect();
  }

  /** Ask for something. The promise has the number of the question as `ask`; it fails with Refused. */
  ask(what, content = {}) {
    const ask = ++this.#asks;
    const answer = new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject(new Refused("The sandbox is not connected. Try again in a moment."));
        return;
      }
      const text = JSON.stringify({ do: what, ask, ...content });
      if (text.length > LARGEST) {
        reject(new Refused("These files are too large together."));
        return;
      }
      this.#waiting.set(ask, { resolve, reject });
      this.#socket.send(text);
    });
    return Object.assign(answer, { ask });
  }

  #connect() {
    clearTimeout(this.#timer);
    const address = new URL("/page/socket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    for (const [name, value] of Object.entries(this.#query)) address.searchParams.set(name, value);
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = 250;
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#read(JSON.parse(event.data));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#drop();
      this.#status(false);
      this.#timer = setTimeout(() => this.#connect(), this.#pause);
      this.#pause = Math.min(this.#pause * 1.6, SLOWEST);
    };
  }

  #read(data) {
    const waiting = this.#waiting.get(data.ask);
    if (data.type === "done" || data.type === "refused") {
      this.#waiting.delete(data.ask);
      if (data.type === "done") waiting?.resolve(data);
      else waiting?.reject(new Refused(data.why));
      return;
    }
    if (data.type === "state") this.#status(true);
    this.#frame(data);
  }

  /** Somebody looks at the page again: do not let them wait for the next try. */
  #hurry() {
    if (this.#socket === null) this.#connect();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const { reject } of this.#waiting.values()) reject(new Refused("The connection to the sandbox was lost."));
    this.#waiting.clear();
  }
}
