// What the caller may do on the operators' page. The server decides; the page only leaves out what it would refuse.
import type { Caller } from "../page/session.ts";

export interface Rights {
  canSee: boolean;
  canAct: boolean;
}

/** On an open server everybody may everything. */
export function rightsOf({ mode, role }: Pick<Caller, "mode" | "role">): Rights {
  const canAct = mode === "open" || role === "operator" || role === "admin";
  return { canSee: canAct || role === "support", canAct };
}
