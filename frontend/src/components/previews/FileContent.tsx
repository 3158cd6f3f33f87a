import { useState } from "react";
import type { Client, DerivativeItem, FileDetail } from "../../client/index.ts";
import { previewTexts } from "../../previewTexts.ts";
import { contentUrl, iconOf, isText } from "../catalogueFiles.ts";
import { baseOf } from "../folders.ts";
import { Icon, type IconName } from "../Icon.tsx";
import { TextContent } from "./TextContent.tsx";

/** Width and height of a page whose size is not known. */
const A4 = [210, 297] as const;

interface Props {
  client: Client;
  detail: FileDetail;
  /** How many pages the file has; null if that is not known. */
  pagesTotal: number | null;
  /** It is said already why there is no better one: it is still made, or could not be. */
  isExplained: boolean;
}

/** The best preview that there is of a file: a player, its pages or its text, an image, or a thumbnail. */
export function FileContent({ client, detail, pagesTotal, isExplained }: Props) {
  const { derivatives, thumbnailId } = detail;
  const one = (role: DerivativeItem["role"]) => derivatives.find((file) => file.role === role);
  const url = (file: DerivativeItem | undefined) => (file === undefined ? undefined : contentUrl(client, file.fileId));
  const name = baseOf(detail.name);
  const [video, web, poster] = [one("video"), one("web"), one("poster")];
  const pages = derivatives.filter(({ role }) => role === "page").sort((a, b) => (a.page ?? 0) - (b.page ?? 0));
  const extracted = one("text");
  const thumbnail = thumbnailId === null ? null : contentUrl(client, thumbnailId);
  if (video) {
    return (
      <video
        className="viewer-media"
        controls
        playsInline
        preload="metadata"
        poster={url(poster)}
        src={url(video)}
        aria-label={name}
      />
    );
  }
  if (pages.length > 0) return <Pages client={client} pages={pages} total={pagesTotal} text={extracted} />;
  if (extracted) return <TextContent url={contentUrl(client, extracted.fileId)} />;
  const image = web ?? poster ?? one("thumbnail");
  if (image) return <Picture client={client} image={image} thumbnail={thumbnail} name={name} />;
  if (isText(detail.contentType)) return <TextContent url={contentUrl(client, detail.id)} />;
  return <Empty icon={iconOf(detail.contentType)}>{isExplained ? null : previewTexts.none}</Empty>;
}

interface PictureProps {
  client: Client;
  image: DerivativeItem;
  thumbnail: string | null;
  name: string;
}

/** An image as large as there is room, and no larger than it is. Its thumbnail stands in for it until it is loaded. */
function Picture({ client, image: { fileId, width, height }, thumbnail, name }: PictureProps) {
  const [state, setState] = useState<"loading" | "loaded" | "broken">("loading");
  if (state === "broken") return <Empty icon="warn">{previewTexts.broken}</Empty>;
  return (
    <div
      className="viewer-media viewer-picture"
      style={{ maxWidth: width ?? undefined, maxHeight: height ?? undefined }}
    >
      {state === "loading" && thumbnail !== null && <img src={thumbnail} alt="" />}
      <img
        src={contentUrl(client, fileId)}
        alt={name}
        onLoad={() => setState("loaded")}
        onError={() => setState("broken")}
      />
    </div>
  );
}

interface PagesProps {
  client: Client;
  pages: readonly DerivativeItem[];
  /** How many there are in the file; null if that is not known. */
  total: number | null;
  /** What was found as text in all pages. */
  text: DerivativeItem | undefined;
}

/** Pages below each other, or their text. */
function Pages({ client, pages, total, text: extracted }: PagesProps) {
  const [isRead, setRead] = useState(false);
  const text = previewTexts;
  return (
    <>
      {extracted && (
        <div className="viewer-views" role="group" aria-label={text.views}>
          {[false, true].map((one) => (
            <button
              key={String(one)}
              type="button"
              className="button"
              aria-pressed={one === isRead}
              onClick={() => setRead(one)}
            >
              {one ? text.text : text.pages}
            </button>
          ))}
        </div>
      )}
      {isRead && extracted ? (
        <TextContent url={contentUrl(client, extracted.fileId)} />
      ) : (
        <ol className="viewer-pages">
          {pages.map(({ fileId, page, width, height }, index) => (
            <li key={fileId}>
              <img
                src={contentUrl(client, fileId)}
                alt={text.page(page ?? index + 1)}
                width={width ?? A4[0]}
                height={height ?? A4[1]}
                loading={index === 0 ? "eager" : "lazy"}
                decoding="async"
              />
            </li>
          ))}
          {total !== null && total > pages.length && <li className="fine">{text.firstPages(pages.length, total)}</li>}
        </ol>
      )}
    </>
  );
}

function Empty({ icon, children }: { icon: IconName; children: string | null }) {
  return (
    <div className="viewer-empty">
      <Icon name={icon} />
      {children !== null && <p>{children}</p>}
    </div>
  );
}
