// Single files of the catalogue.
import type { Client, FileDetail, Outcome } from "../client/index.ts";
import type { IconName } from "./Icon.tsx";

/** Fetches a file, with what was made of it. */
export function fetchFile(client: Client, fileId: number): Promise<Outcome<FileDetail>> {
  return client.request("GET", `/v1/files/${fileId}`, { fresh: true });
}

/** The URL of a file's content, which redirects to a new presigned link. For `<img>`, `<video>` and links. */
export function contentUrl({ baseUrl }: Client, fileId: number): string {
  return `${baseUrl}/v1/files/${fileId}/content`;
}

/** The icon of a content type. */
export function iconOf(contentType: string | null): IconName {
  if (contentType?.startsWith("image/")) return "image";
  return contentType?.startsWith("video/") ? "film" : "file";
}

/** Whether the viewer shows a file of this content type as text, although no preview was made of it. */
export function isText(contentType: string): boolean {
  return /^(text\/|application\/(json|xml|yaml)\b)/.test(contentType);
}
