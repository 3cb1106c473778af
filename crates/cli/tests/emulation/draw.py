"""Run in the container, foreign: reports its own architecture, loads a captured driver, draws a frame and looks at it."""
import ctypes
import sys


def library(name):
    return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)


class LinkMap(ctypes.Structure):
    _fields_ = [("l_addr", ctypes.c_void_p), ("l_name", ctypes.c_char_p)]


def path_of(handle):
    """Where the dynamic linker found a library (RTLD_DI_LINKMAP)."""
    linker = ctypes.CDLL("libdl.so.2")
    place = ctypes.POINTER(LinkMap)()
    assert linker.dlinfo(ctypes.c_void_p(handle._handle), 2, ctypes.byref(place)) == 0
    return place.contents.l_name.decode()


with open("/proc/self/exe", "rb") as program:
    print("machine %02x" % program.read(20)[18], flush=True)

print("driver", path_of(library(sys.argv[1])), flush=True)

WIDTH = HEIGHT = 48
EGL_PLATFORM_SURFACELESS, EGL_OPENGL_ES_API = 0x31DD, 0x30A0
egl, gl = library("libEGL.so.1"), library("libGLESv2.so.2")
number, pointer = ctypes.c_int, ctypes.c_void_p


def call(from_library, name, result, *arguments):
    function = getattr(from_library, name)
    function.restype = result
    return function(*arguments)


def ints(*values):
    return (number * len(values))(*values)


egl.eglGetProcAddress.restype = pointer
get = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
get = ctypes.CFUNCTYPE(pointer, number, pointer, pointer)(get)
display = pointer(get(EGL_PLATFORM_SURFACELESS, None, None))
assert call(egl, "eglInitialize", number, display, None, None), "eglInitialize"
assert call(egl, "eglBindAPI", number, EGL_OPENGL_ES_API)
config, count = pointer(), number()
# EGL_SURFACE_TYPE: EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE: EGL_OPENGL_ES2_BIT, EGL_NONE
wanted = ints(0x3033, 1, 0x3040, 4, 0x3038)
assert call(egl, "eglChooseConfig", number, display, wanted, ctypes.byref(config), 1, ctypes.byref(count))
assert count.value == 1, "no configuration"
surface = call(egl, "eglCreatePbufferSurface", pointer, display, config, ints(0x3057, WIDTH, 0x3056, HEIGHT, 0x3038))
context = call(egl, "eglCreateContext", pointer, display, config, None, ints(0x3098, 2, 0x3038))
surface, context = pointer(surface), pointer(context)
assert call(egl, "eglMakeCurrent", number, display, surface, surface, context), "eglMakeCurrent"
for name, what in (("version", 0x1F02), ("renderer", 0x1F01)):
    print(name, call(gl, "glGetString", ctypes.c_char_p, what).decode(), flush=True)


def shader(kind, source):
    made = call(gl, "glCreateShader", number, kind)
    call(gl, "glShaderSource", None, made, 1, ctypes.byref(ctypes.c_char_p(source)), None)
    call(gl, "glCompileShader", None, made)
    return made


program = call(gl, "glCreateProgram", number)
vertex = shader(0x8B31, b"attribute vec2 p; void main() { gl_Position = vec4(p, 0.0, 1.0); }")
fragment = shader(0x8B30, b"precision mediump float; void main() { gl_FragColor = vec4(0.0, 1.0, 0.0, 1.0); }")
for part in (vertex, fragment):
    call(gl, "glAttachShader", None, program, part)
call(gl, "glBindAttribLocation", None, program, 0, b"p")
call(gl, "glLinkProgram", None, program)
call(gl, "glUseProgram", None, program)
call(gl, "glClearColor", None, *(ctypes.c_float(v) for v in (0, 0, 1, 1)))
call(gl, "glClear", None, 0x4000)
# A triangle that covers the middle and no corner.
points = (ctypes.c_float * 6)(-0.8, -0.8, 0.8, -0.8, 0.0, 0.8)
call(gl, "glVertexAttribPointer", None, 0, 2, 0x1406, 0, 0, points)
call(gl, "glEnableVertexAttribArray", None, 0)
call(gl, "glDrawArrays", None, 4, 0, 3)
call(gl, "glFinish", None)
pixels = (ctypes.c_ubyte * (WIDTH * HEIGHT * 4))()
call(gl, "glReadPixels", None, 0, 0, WIDTH, HEIGHT, 0x1908, 0x1401, pixels)


def pixel(x, y):
    at = (y * WIDTH + x) * 4
    return tuple(pixels[at:at + 3])


green = sum(pixel(x, y) == (0, 255, 0) for x in range(WIDTH) for y in range(HEIGHT))
assert pixel(WIDTH // 2, HEIGHT // 2) == (0, 255, 0), pixel(WIDTH // 2, HEIGHT // 2)
assert pixel(1, HEIGHT - 2) == (0, 0, 255), pixel(1, HEIGHT - 2)
# 0.8 * 1.6 of the 4 that the square has, give or take the edge.
assert abs(green / (WIDTH * HEIGHT) - 0.32) < 0.03, green
print("frame", green, flush=True)
