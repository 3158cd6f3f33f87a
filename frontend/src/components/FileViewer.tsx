import { lazy, Suspense } from "react";
import type { Client } from "../client/index.ts";
import { texts } from "../texts.ts";
import { NotLoaded } from "./NotLoaded.tsx";
import { Sheet } from "./Sheet.tsx";

const Viewer = lazy(() => import("./previews/Viewer.tsx").catch(() => ({ default: InSheet })));

export interface ViewedFile {
  fileId: number;
  name: string;
}

export interface ViewerProps {
  client: Client;
  /** The files that can be shown, one after the other. */
  files: readonly ViewedFile[];
  /** The one that is shown first. */
  fileId: number;
  onClose(): void;
}

/** Shows previews of files over the page. Its script is loaded when it is opened for the first time. */
export function FileViewer(props: ViewerProps) {
  return (
    <Suspense fallback={null}>
      <Viewer {...props} />
    </Suspense>
  );
}

function InSheet({ onClose }: ViewerProps) {
  return (
    <Sheet label={texts.problem.action.view} onClose={onClose}>
      <div className="card">
        <NotLoaded />
      </div>
    </Sheet>
  );
}
