package memtable
import ("testing";"fmt";"github.com/google/btree")
type it16 struct{hi uint64; lo uint32; node uint32}
func BenchmarkTreeShape(b *testing.B){
 keys:=ycsbKeys(benchKeys)
 for round:=range 2 { for _,d:=range []int{24,32,48,64,96}{
 b.Run(fmt.Sprintf("24B/%d/%d",d,round),func(b *testing.B){
  for b.Loop(){ t:=btree.NewG(d,func(a,b item)bool{ if a.hi!=b.hi {return a.hi<b.hi}; if a.lo!=b.lo {return a.lo<b.lo}; return a.keyLen<b.keyLen})
   for i,k:=range keys{ t.ReplaceOrInsert(makeItem(k,ref(i)))}}
  b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/insert"); b.ReportAllocs()
 })
 b.Run(fmt.Sprintf("16B/%d/%d",d,round),func(b *testing.B){
  for b.Loop(){ t:=btree.NewG(d,func(a,b it16)bool{ if a.hi!=b.hi {return a.hi<b.hi}; return a.lo<b.lo})
   for i,k:=range keys{ x:=makeItem(k,ref(i)); t.ReplaceOrInsert(it16{x.hi,uint32(x.lo>>32),uint32(i)})}}
  b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/insert"); b.ReportAllocs()
 })
 }}
}
