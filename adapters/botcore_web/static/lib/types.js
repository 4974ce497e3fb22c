/**
 * The shapes that travel between server and page, as JSDoc types. No code lives here.
 *
 * @typedef {{number: number, title: string, snippet: string, source: string, page: number}} Citation `page` 0: it has none.
 *
 * @typedef {{file: string, name: string, size: number}} SaidFile A file that came with a message; `size` in bytes.
 *
 * @typedef {object} Entry A committed line: what the server will still know tomorrow.
 * @property {number} id
 * @property {"user"|"assistant"} role
 * @property {string} text
 * @property {number} at Unix seconds.
 * @property {string} reply The reply's id, which feedback is about.
 * @property {"answered"|"stopped"|"refused"|"failed"|"dead"} outcome
 * @property {string} reason
 * @property {string} model
 * @property {string} plugin
 * @property {Citation[]} citations
 * @property {-1|0|1} feedback
 * @property {string} message For a user's line: the id the page gave it.
 * @property {string} again The reply that this exchange takes the place of.
 * @property {boolean} judgeable Whether a verdict on it means something.
 * @property {SaidFile[]} files
 *
 * @typedef {{message: number, id: string, text: string, at: number, about: string, files: SaidFile[], untold?: boolean}} Pending
 *   Accepted, not committed yet; `about` names the reply it asks for again. `untold`: the event stream was asked for
 *   before, and has not spoken of it so far.
 *
 * @typedef {object} DraftEvent Put `text` at code point `offset` of this turn's draft.
 * @property {number} message
 * @property {string|number} turn
 * @property {number} offset
 * @property {string} text
 * @property {"waiting"|"writing"} phase
 * @property {string} note
 *
 * @typedef {object} Draft The running reply, as far as it has come.
 * @property {number} message
 * @property {string|number} turn
 * @property {string} text
 * @property {number} length In code points, as the server counts.
 * @property {"waiting"|"writing"} phase
 * @property {string} note
 *
 * @typedef {object} Unsent A message this browser has not seen accepted.
 * @property {string} id
 * @property {string} conversation
 * @property {string} text
 * @property {SaidFile[]} files
 * @property {string} about
 * @property {number} at Unix seconds.
 * @property {"sending"|"failed"} state
 * @property {string} error
 * @property {boolean} resend True where the connection is to blame, so the page may try again by itself.
 *
 * @typedef {object} Attached A file on its way to the next message.
 * @property {string} file The id the page gave it.
 * @property {string} conversation
 * @property {string} name
 * @property {number} size
 * @property {"queued"|"sending"|"done"|"failed"} state
 * @property {number} sent Bytes.
 * @property {string} error
 * @property {boolean} hopeless True where trying again cannot help.
 *
 * @typedef {object} EngineStatus
 * @property {"off"|"install"|"model"|"warmup"|"ready"|"failed"} stage
 * @property {string} detail
 * @property {number|null} progress 0 to 1 within the stage.
 * @property {string} model
 * @property {number} window Tokens.
 *
 * @typedef {{name: string, help: string}} Command
 * @typedef {{name: string, engine: EngineStatus, health: Record<string, string>, commands: Command[], samples: string[], limits: Limits}} Status
 * @typedef {{text: number, file: number, files: number, kinds: string[]}} Limits Characters, bytes (0 = no files), files of one message.
 * @typedef {{id: string, title: string, at: number}} Conversation
 * @typedef {{conversations: Conversation[], older: boolean}} Listed Newest first; `older`: there are more below.
 * @typedef {{entries: Entry[], pending: Pending[], earlier: boolean}} Said A piece of a conversation; `earlier`: more was said before it.
 */
export {};
