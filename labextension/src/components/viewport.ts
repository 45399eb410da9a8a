/** Which part of a drawing is seen: pan by dragging and arrow keys, zoom by wheel and keys, fit. */
import { Area, Box, Point } from './layout';

const SMALLEST = 0.05;
const LARGEST = 3;
const MARGIN = 16;
const PAN_STEP = 60;
/** Below the first scale small text can not be read, below the second none, so these are left out. */
const FAR = 0.5;
const TINY = 0.22;
/** A drawing that fits with a smaller scale than the first one opens with the second. */
const READABLE = 0.4;
const OPENING = 0.75;
const DRAG_START = 4;

export interface View {
  x: number;
  y: number;
  scale: number;
}

/** The view that shows all of the drawing in the middle, no larger than life. */
export function fitted(drawing: Box, frame: Box): View {
  const room = { width: Math.max(frame.width - 2 * MARGIN, 1), height: Math.max(frame.height - 2 * MARGIN, 1) };
  const fit = Math.min(room.width / Math.max(drawing.width, 1), room.height / Math.max(drawing.height, 1), 1);
  const scale = Math.max(fit, SMALLEST);
  return {
    scale,
    x: (frame.width - drawing.width * scale) / 2,
    y: Math.max((frame.height - drawing.height * scale) / 2, fit < 1 ? 0 : MARGIN)
  };
}

/** The first view: all of the drawing where that can be read, else the surroundings of `start`. */
export function opening(drawing: Box, start: Point, frame: Box): View {
  const all = fitted(drawing, frame);
  return all.scale >= READABLE
    ? all
    : { scale: OPENING, x: frame.width / 2 - start.x * OPENING, y: frame.height / 4 - start.y * OPENING };
}

/** The view with another scale, where the point under `at` stays. */
export function zoomed(view: View, factor: number, at: Point): View {
  const scale = Math.min(Math.max(view.scale * factor, SMALLEST), LARGEST);
  const grown = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * grown, y: at.y - (at.y - view.y) * grown };
}

/** The nearest view that has the box, in coordinates of the drawing, inside the frame. */
export function revealed(view: View, centre: Point, box: Box, frame: Box): View {
  const shift = (middle: number, size: number, offset: number, room: number): number => {
    const start = (middle - size / 2) * view.scale + offset - MARGIN;
    const end = (middle + size / 2) * view.scale + offset + MARGIN;
    return start < 0 ? offset - start : end > room ? offset - Math.min(end - room, start) : offset;
  };
  return {
    scale: view.scale,
    x: shift(centre.x, box.width, view.x, frame.width),
    y: shift(centre.y, box.height, view.y, frame.height)
  };
}

export class Viewport {
  /** Told after every move, once per frame, which part of the drawing is seen. */
  onShow: ((seen: Area) => void) | null = null;

  private view: View = { x: 0, y: 0, scale: 1 };
  private drawing: Box = { width: 0, height: 0 };
  private frame = 0;
  private start: Point | null = null;
  private isMoved = false;
  private wasDragged = false;
  private readonly observer: ResizeObserver | null;

  /** Moves `content` inside `canvas`. Call `dispose` when done. */
  constructor(
    private readonly canvas: SVGSVGElement,
    private readonly content: SVGGElement
  ) {
    canvas.addEventListener('wheel', this.onWheel, { passive: false });
    canvas.addEventListener('pointerdown', this.onPointerDown);
    this.observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.onResize());
    this.observer?.observe(canvas);
  }

  /** Whether the last press of the button was a drag, so that its click means nothing. */
  get isDrag(): boolean {
    return this.wasDragged;
  }

  get scale(): number {
    return this.view.scale;
  }

  /** Begins with another drawing; `start` is what matters most in it. */
  open(drawing: Box, start: Point): void {
    this.drawing = drawing;
    this.start = start;
    this.isMoved = false;
    this.show(opening(drawing, start, this.size()));
  }

  /** Shows all of the drawing. */
  fit(): void {
    this.start = null;
    this.isMoved = false;
    this.show(fitted(this.drawing, this.size()));
  }

  /** Zooms around the middle. */
  zoom(factor: number): void {
    const { width, height } = this.size();
    this.move(zoomed(this.view, factor, { x: width / 2, y: height / 2 }));
  }

  /** Pans by steps, as arrow keys do. */
  pan(right: number, down: number): void {
    this.move({ ...this.view, x: this.view.x - right * PAN_STEP, y: this.view.y - down * PAN_STEP });
  }

  reveal(centre: Point, box: Box): void {
    const near = this.view.scale < FAR ? zoomed(this.view, 0.8 / this.view.scale, this.onScreen(centre)) : this.view;
    this.move(revealed(near, centre, box, this.size()));
  }

  dispose(): void {
    this.observer?.disconnect();
    cancelAnimationFrame(this.frame);
    this.canvas.removeEventListener('wheel', this.onWheel);
    this.canvas.removeEventListener('pointerdown', this.onPointerDown);
  }

  private readonly onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const factor = Math.exp((-event.deltaY * lines) / (event.ctrlKey ? 120 : 420));
    const { left, top } = this.canvas.getBoundingClientRect();
    this.move(zoomed(this.view, factor, { x: event.clientX - left, y: event.clientY - top }));
  };

  private readonly onPointerDown = (down: PointerEvent): void => {
    this.wasDragged = false;
    if (down.button !== 0) {
      return;
    }
    const start = this.view;
    const move = (event: PointerEvent): void => {
      const [right, bottom] = [event.clientX - down.clientX, event.clientY - down.clientY];
      if (!this.wasDragged && Math.hypot(right, bottom) > DRAG_START) {
        this.wasDragged = true;
        this.canvas.setPointerCapture?.(down.pointerId);
        this.canvas.classList.add('mlstack-mod-dragged');
      }
      this.wasDragged && this.move({ ...start, x: start.x + right, y: start.y + bottom });
    };
    const end = (): void => {
      this.canvas.classList.remove('mlstack-mod-dragged');
      this.canvas.removeEventListener('pointermove', move);
      this.canvas.removeEventListener('pointerup', end);
      this.canvas.removeEventListener('pointercancel', end);
    };
    this.canvas.addEventListener('pointermove', move);
    this.canvas.addEventListener('pointerup', end);
    this.canvas.addEventListener('pointercancel', end);
  };

  private onResize(): void {
    if (this.isMoved) {
      return;
    }
    if (this.start !== null) {
      this.open(this.drawing, this.start);
    } else {
      this.fit();
    }
  }

  private move(view: View): void {
    this.isMoved = true;
    this.show(view);
  }

  private show(view: View): void {
    this.view = view;
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        const { x, y, scale } = this.view;
        this.content.setAttribute('transform', `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
        this.canvas.classList.toggle('mlstack-mod-far', scale < FAR);
        this.canvas.classList.toggle('mlstack-mod-tiny', scale < TINY);
        this.onShow?.(this.seen());
      });
    }
  }

  private onScreen(at: Point): Point {
    return { x: at.x * this.view.scale + this.view.x, y: at.y * this.view.scale + this.view.y };
  }

  private seen(): Area {
    const { x, y, scale } = this.view;
    const { width, height } = this.size();
    return { left: -x / scale, top: -y / scale, right: (width - x) / scale, bottom: (height - y) / scale };
  }

  private size(): Box {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }
}
